// The output of `finish`, kept in a ConfigMap, since the pod that printed it may go with its node.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type Cluster, uidOf } from "../cluster/client.ts";
import { jobPods } from "../cluster/waitForJob.ts";
import { labels } from "../labels.ts";
import type { JobDefaults } from "./jobArgs.ts";

/** Annotation with the uid of the supervisor Job whose output it is. */
const SUPERVISOR = "job-wq-2/supervisor";
/** Beginning of the line with which the supervisor prints the output (supervisor/supervisor.ts). */
const PREFIX = "finish: ";

/**
 * The output of `finish`.
 * @param done Resolves when the supervisor has ended well.
 */
export function finishOutput(
  resource: string,
  { parent, name, namespace, labels: own }: JobDefaults,
  supervisor: k8s.batch.v1.Job,
  { cluster, done }: { cluster: Promise<Cluster | undefined>; done: Promise<void> },
): pulumi.Output<string> {
  const uid = uidOf(supervisor);
  const output = pulumi.all([uid, namespace, supervisor.metadata.name]).apply(async ([uid, namespace, job]) => {
    await done;
    const there = await cluster;
    if (!there) return "";
    const kept = await there.core.readNamespacedConfigMap({ name: `${name}-finish`, namespace }).catch(() => undefined);
    if (kept?.metadata?.annotations?.[SUPERVISOR] === uid) return kept.data?.output ?? "";
    if (pulumi.runtime.isDryRun()) return pulumi.unknown as string;
    return printedOutput(there, { name: job, namespace, uid });
  });
  const metadata = {
    name: `${name}-finish`,
    namespace,
    labels: labels(name, "supervisor", own),
    annotations: { [SUPERVISOR]: uid },
  };
  const map = new k8s.core.v1.ConfigMap(
    resource,
    { metadata, data: { output } },
    { parent, deleteBeforeReplace: true },
  );
  return map.data.output!;
}

async function printedOutput(cluster: Cluster, job: { name: string; namespace: string; uid: string }): Promise<string> {
  for (const pod of (await jobPods(cluster, job)).reverse()) {
    const log = await cluster.core.readNamespacedPodLog({
      name: pod.metadata!.name!,
      namespace: job.namespace,
      container: "c",
    });
    const line = log.split("\n").findLast((text) => text.startsWith(PREFIX));
    if (line) return JSON.parse(line.slice(PREFIX.length)) as string;
  }
  return "";
}
