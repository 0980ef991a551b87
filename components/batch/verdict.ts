// The verdict, the last child of a Batch: what depends on the Batch comes after it, and not at all after a bad one.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type Cluster, uidOf } from "../cluster/client.ts";
import { FOLLOWS } from "../cluster/liveJobs.ts";
import { type AwaitedJob, jobPods } from "../cluster/waitForJob.ts";
import { labels } from "../labels.ts";
import { noWorkLine } from "../../kube/podProblems.ts";
import { failure, isPreview } from "../engine.ts";
import type { BatchCounts, K8sObject } from "../types.ts";
import type { JobDefaults } from "./jobs/jobArgs.ts";
import { MARKS } from "./keptVerdict.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** The outcome of a Batch. */
export interface Verdict {
  counts: pulumi.Output<BatchCounts>;
  failed: pulumi.Output<string[]>;
  seconds: pulumi.Output<number>;
  finish: pulumi.Output<string>;
  /** Resolves when it was given and is a good one; rejects with the line of a bad one. */
  given: Promise<void>;
}

/** The Jobs that it is of. */
export interface VerdictArgs {
  supervisor: k8s.batch.v1.Job;
  workers: k8s.batch.v1.Job;
  /** All of them. */
  follows: K8sObject[];
  lifecycle: Lifecycle;
  /** Called when `up` begins to wait for it. */
  onWait: () => void;
}

/** Beginning of the line with which the supervisor prints it (supervisor/verdict.ts). */
const PREFIX = "verdict: ";

/** No valid key of a ConfigMap: a verdict that was not waited for. */
const NOT_ASKED = "a transform keeps Pulumi from changing the annotations of Jobs: leave out those of job-wq-2";

/** Creates the ConfigMap when the supervisor has given a good verdict, and never after a bad one. */
export function makeVerdict(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  { supervisor, workers, follows, lifecycle, onWait }: VerdictArgs,
): Verdict {
  const end = lifecycle.complete(supervisor, [workers], onWait).then(async (job) => {
    const cluster = await lifecycle.cluster;
    return cluster && job && printed(cluster, job, parent);
  });
  const given = end.then(() => {});
  given.catch(() => {}); // the ConfigMap, which waits for it, reports it
  const uid = uidOf(supervisor);
  const data = pulumi.all([uid, lifecycle.left]).apply(async ([uid, { verdict }]) => {
    if (verdict?.uids.includes(uid)) return verdict.data;
    if (isPreview()) return pulumi.unknown as Record<string, string>;
    // Either the engine passes over it, or annotations of the Jobs do not change: that the API server must refuse.
    return (await end.catch(() => undefined)) ?? { [NOT_ASKED]: "" };
  });
  const annotations = {
    [FOLLOWS]: pulumi.all(follows.map(uidOf)).apply((uids) => uids.join(" ")),
    [MARKS]: lifecycle.left.apply(({ marks }) => JSON.stringify(marks)),
  };
  const map = new k8s.core.v1.ConfigMap(
    resource,
    {
      metadata: { name: names.verdict, namespace, labels: labels(name, "supervisor", own), annotations },
      data,
    },
    {
      parent,
      dependsOn: given.then(() => []) as Promise<never>,
      replaceWith: [supervisor],
      deleteBeforeReplace: true,
    },
  );
  const text = (key: string, otherwise: string) => map.data.apply((kept) => kept?.[key] ?? otherwise);
  return {
    counts: text("counts", "{}").apply((json) => JSON.parse(json) as BatchCounts),
    failed: text("failed", "[]").apply((json) => JSON.parse(json) as string[]),
    seconds: text("seconds", "0").apply(Number),
    finish: text("finish", ""),
    given,
  };
}

/**
 * The supervisor's printed verdict: its values as texts, since those of a ConfigMap are; none where its log is gone, or
 * not ours to read.
 * @throws ResourceError where it printed something else.
 */
async function printed(
  cluster: Cluster,
  job: AwaitedJob,
  parent: pulumi.ComponentResource,
): Promise<Record<string, string>> {
  const pod = (await jobPods(cluster, job).catch(() => [])).at(-1);
  if (!pod) return {};
  const name = pod.metadata!.name!;
  const request = { name, namespace: job.namespace, container: "c" };
  const log = await cluster.core.readNamespacedPodLog(request).catch(() => undefined);
  if (log === undefined) return {};
  const line = log.split("\n").findLast((text) => text.startsWith(PREFIX));
  if (!line) throw failure(noWorkLine(name, log.trim()), parent);
  const values = JSON.parse(line.slice(PREFIX.length)) as Record<string, unknown>;
  const texts = Object.entries(values).map(([key, value]) => [key, asText(value)]);
  return Object.fromEntries(texts) as Record<string, string>;
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
