// Nobody may connect to the pods of a Batch, but Prometheus if it is asked for. The kubelet's probes, and `wq`
// by way of the API server, are not subject to policies.
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { METRICS_PORT } from "../../../config/ports.ts";
import { instanceSelector, labels } from "../../labels.ts";
import type { JobDefaults } from "../jobs/jobArgs.ts";

/** The settings that open something. */
export interface OpenPorts {
  metrics: boolean;
  /** Namespace of Prometheus; absent: that of the pods. */
  metricsFrom?: pulumi.Input<string>;
}

/** Creates it. It must be there before the pods. */
export function makeNetworkPolicy(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  { metrics, metricsFrom }: OpenPorts,
): k8s.networking.v1.NetworkPolicy {
  const from =
    metricsFrom === undefined
      ? { podSelector: {} }
      : { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": metricsFrom } } };
  return new k8s.networking.v1.NetworkPolicy(
    resource,
    {
      metadata: { name: names.policy, namespace, labels: labels(name, "policy", own) },
      spec: {
        podSelector: { matchLabels: instanceSelector(name) },
        policyTypes: ["Ingress"],
        ingress: metrics ? [{ from: [from], ports: [{ protocol: "TCP", port: METRICS_PORT }] }] : [],
      },
    },
    { parent, deleteBeforeReplace: true },
  );
}
