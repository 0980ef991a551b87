import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

/** The key of a registry in a docker config: Docker Hub has one of its own. */
export function registryKey(registry: string): string {
  return registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
}

/** The text of a docker config with one login. */
export function dockerConfig(registry: string, username: string, password: string): string {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return JSON.stringify({ auths: { [registryKey(registry)]: { username, password, auth } } });
}

/** The Secret with which pods pull from a registry with a login. Its name is literal: credentials that rotate must not replace the Jobs. */
export function pullSecret(
  name: string,
  args: {
    namespace: pulumi.Input<string>;
    registry: string;
    username: string;
    password: pulumi.Input<string>;
    labels: Record<string, string>;
  },
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const { namespace, registry, username, password, labels } = args;
  const config = pulumi.secret(pulumi.output(password).apply((secret) => dockerConfig(registry, username, secret)));
  return new k8s.core.v1.Secret(
    name,
    {
      // For a person to see; the login itself is secret.
      metadata: { name, namespace, labels, annotations: { "job-wq-2/registry": registryKey(registry) } },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": config },
    },
    { ...opts, deleteBeforeReplace: true },
  );
}
