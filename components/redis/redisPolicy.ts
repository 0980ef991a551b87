// The NetworkPolicy of a Redis: which pods may connect to it.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { REDIS_PORT } from "../../config/ports.ts";
import { CLIENT_LABEL, clientValue, selector } from "../labels.ts";

/** The Redis that it protects. */
export interface RedisPolicyArgs {
  metadata: k8s.types.input.meta.v1.ObjectMeta;
  /** Name of its Service. */
  service: string;
  namespace: pulumi.Input<string>;
  /** True if it has a password. */
  auth: boolean;
}

/** Creates it. Pods with the label of this Redis may connect. */
export function makeRedisPolicy(
  resource: string,
  { metadata, service, namespace, auth }: RedisPolicyArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.networking.v1.NetworkPolicy {
  const value = pulumi.output(namespace).apply((known) => clientValue(known, service));
  const client = { podSelector: { matchLabels: { [CLIENT_LABEL]: value } } };
  return new k8s.networking.v1.NetworkPolicy(
    resource,
    {
      metadata,
      spec: {
        podSelector: { matchLabels: selector(service, "redis") },
        // No egress: Redis calls nobody, and must not be copied elsewhere.
        policyTypes: ["Ingress", "Egress"],
        ingress: [
          {
            // Anybody may set a label. So without a password only pods of the same namespace are admitted.
            from: [auth ? { ...client, namespaceSelector: {} } : client],
            ports: [{ protocol: "TCP", port: REDIS_PORT }],
          },
        ],
      },
    },
    opts,
  );
}
