import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../labels.ts";
import { later } from "../readArgs.ts";
import { encoded } from "../secret.ts";
import type { RegistryLogin } from "./workerImage.ts";

/** The key of a registry in a docker config: Docker Hub has one of its own. */
function registryKey(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

/** The text of a docker config with one login. */
export function dockerConfig(registry: string, username: string, password: string): string {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return JSON.stringify({ auths: { [registryKey(registry)]: { username, password, auth } } });
}

/**
 * The Secret with which pods pull from a registry with a login. Its name is fixed: credentials that rotate must not
 * replace the Jobs.
 */
export function makePullSecret(
  resource: string,
  metadata: { name: string; namespace: pulumi.Input<string>; labels: Labels },
  { server, username, password }: RegistryLogin,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const values = pulumi.all([server, username, password]);
  const config = values.apply(([server, user, secret]) => dockerConfig(server, user, secret));
  return new k8s.core.v1.Secret(
    resource,
    {
      // For a person to see; the login itself is secret.
      metadata: { ...metadata, annotations: { "job-wq-2/registry": later(server, registryKey) } },
      type: "kubernetes.io/dockerconfigjson",
      data: encoded({ ".dockerconfigjson": pulumi.secret(config) }),
    },
    { ...opts, deleteBeforeReplace: true },
  );
}
