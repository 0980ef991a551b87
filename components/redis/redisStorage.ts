// The resource that holds the data: the Pod of the Kubernetes page, or a StatefulSet with a volume claim.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { AT_ONCE, connectCluster, WAIT_FOR } from "../cluster/client.ts";
import { isPreview } from "../engine.ts";
import { digestOf } from "../labels.ts";
import { later } from "../readArgs.ts";
import type { Known } from "../types.ts";

/** Annotation of the Pod with a digest of its specification. */
const SPEC = "job-wq-2/spec";

/** Arguments of both. */
export interface RedisStorageArgs {
  parent: pulumi.ComponentResource;
  name: string;
  namespace: pulumi.Input<string>;
  template: k8s.types.input.core.v1.PodTemplateSpec;
  /** Labels of the template that select its pod. */
  selector: Record<string, string>;
}

type Metadata = k8s.types.input.meta.v1.ObjectMeta;

/** A Pod, whose data goes with it. */
export function makeRedisPod(
  resource: string,
  args: RedisStorageArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Pod {
  const { name, namespace, template } = args;
  // A patch may have made it an output.
  const { labels, annotations: given, finalizers } = template.metadata as Metadata;
  const annotations = later(given as Known<Record<string, string>>, (others) => ({
    ...others,
    [WAIT_FOR]: AT_ONCE,
    [SPEC]: digestOfSpec(args),
  }));
  return new k8s.core.v1.Pod(
    resource,
    { metadata: { name, namespace, labels, annotations, finalizers }, spec: template.spec },
    opts,
  );
}

/**
 * The digest. In a preview it is unknown if the Pod will be replaced. Otherwise the provider would ask the API server,
 * which takes the new Pod of that name for a change of the old one, and refuses it.
 */
function digestOfSpec({ parent, name, namespace, template }: RedisStorageArgs): pulumi.Output<string> {
  const digest = pulumi.output(template.spec).apply(digestOf);
  if (!isPreview()) return digest;
  return pulumi.all([digest, namespace]).apply(async ([next, namespace]) => {
    const cluster = await connectCluster(parent);
    const pod = await cluster?.core.readNamespacedPod({ name, namespace }).catch(() => undefined);
    const present = pod?.metadata?.annotations?.[SPEC];
    return present === undefined || present === next ? next : (pulumi.unknown as string);
  });
}

/** A StatefulSet of one pod; its claim goes with it. */
export function makeRedisStatefulSet(
  resource: string,
  args: RedisStorageArgs & { service: string; storage: pulumi.Input<string> },
  opts: pulumi.CustomResourceOptions,
): k8s.apps.v1.StatefulSet {
  const { name, namespace, template, selector, service, storage } = args;
  const { labels } = template.metadata as Metadata;
  return new k8s.apps.v1.StatefulSet(
    resource,
    {
      metadata: { name, namespace, labels, annotations: { [WAIT_FOR]: AT_ONCE } },
      spec: {
        serviceName: service,
        replicas: 1,
        selector: { matchLabels: selector },
        template,
        // With the default policy a pod with a wrong image would block the one with the right image.
        podManagementPolicy: "Parallel",
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
        volumeClaimTemplates: [
          {
            metadata: { name: "data", labels },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
          },
        ],
      },
    },
    // A claim template cannot change; a StatefulSet with another size would be a new one, without the data.
    { ...opts, ignoreChanges: ["spec.volumeClaimTemplates"] },
  );
}
