import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Labels } from "./labels.ts";
import { later } from "./readArgs.ts";
import type { Known } from "./types.ts";

/** Texts by name, any of which may be known later. */
type Texts = Record<string, pulumi.Input<string>>;

/**
 * Creates a Secret that pods read when they start. With other content it is another Secret, even if the provider
 * could change it (`enableSecretMutable`): Jobs run again when it is replaced.
 */
export function makeSecret(
  resource: string,
  metadata: { name: string; namespace: pulumi.Input<string>; labels: Labels },
  texts: Known<Texts>,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  return new k8s.core.v1.Secret(
    resource,
    { metadata, data: encoded(texts) },
    { ...opts, deleteBeforeReplace: true, replaceOnChanges: ["data"] },
  );
}

/**
 * Texts as `data` of a Secret. The provider makes `data` of `stringData`, except for texts that are unknown in a
 * preview; `up --plan` would not recognise them.
 */
export const encoded = (texts: Known<Texts>): Known<Texts> =>
  later(texts, (known) =>
    Object.fromEntries(Object.entries(known).map(([name, text]) => [name, later(text as Known<string>, base64)])),
  );

const base64 = (text: string) => Buffer.from(String(text)).toString("base64");
