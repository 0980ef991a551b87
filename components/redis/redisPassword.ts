// The password of a Redis that this program runs, in a Secret.
import { randomBytes } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { isMocked } from "../engine.ts";
import { encoded } from "../secret.ts";
import type { EnvVar } from "../types.ts";

type Metadata = k8s.types.input.meta.v1.ObjectMeta;

/** Creates the Secret. Its password is generated once. */
export function makeRedisPassword(
  resource: string,
  metadata: Metadata,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  return new k8s.core.v1.Secret(
    resource,
    { metadata, data: encoded({ password: pulumi.secret(newPassword()) }) },
    { ...opts, ignoreChanges: ["data"] },
  );
}

/** Unknown in a preview, since `up --plan` would demand the same one. */
const newPassword = () =>
  pulumi.runtime.isDryRun() && !isMocked() ? (pulumi.unknown as string) : randomBytes(24).toString("hex");

/** The password; empty if there is none. */
export function passwordIn(secret: k8s.core.v1.Secret | undefined): pulumi.Input<string> {
  return secret?.data.apply((data) => Buffer.from(data?.password ?? "", "base64").toString()) ?? "";
}

/** A variable with the password, for a container of the same namespace. */
export const passwordVariable = (name: string, secret: string): EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key: "password" } },
});
