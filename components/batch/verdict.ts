// The verdict, the last child of a Batch. Resources that depend on the Batch come after it; after a bad one, they are
// not created.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { uidOf } from "../cluster/client.ts";
import { FOLLOWS } from "../cluster/liveJobs.ts";
import { labels } from "../labels.ts";
import { fail, isMocked, isPreview } from "../engine.ts";
import type { BatchCounts, K8sObject } from "../types.ts";
import type { JobDefaults } from "./jobs/jobArgs.ts";
import { MARKS } from "./keptVerdict.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { printedVerdict } from "./printedVerdict.ts";

/** The outcome of a Batch. */
export interface Verdict {
  counts: pulumi.Output<BatchCounts>;
  failed: pulumi.Output<string[]>;
  seconds: pulumi.Output<number>;
  finish: pulumi.Output<string>;
  /** Resolves after a good verdict; rejects with the line of a bad one. */
  given: Promise<void>;
}

/** The Jobs that it is of. */
export interface VerdictArgs {
  supervisor: k8s.batch.v1.Job;
  workers: k8s.batch.v1.Job;
  /** All of them. */
  follows: K8sObject[];
  /** Digest of the items; secret if they are. */
  items: pulumi.Input<string> | undefined;
  lifecycle: Lifecycle;
  /** Called when `up` begins to wait for it. */
  onWait: () => void;
}

/** An invalid key for a ConfigMap. It stands for a verdict that was not waited for. */
const NOT_ASKED = "a transform keeps Pulumi from changing the annotations of Jobs: leave out those of job-wq-2";

/** Outcome of a batch with mocks: outputs that stay unknown would keep a test waiting. */
const NOTHING = { counts: '{"total":0,"done":0,"failed":0}', failed: "[]", seconds: "0", finish: "" };

/** Creates the ConfigMap when the supervisor has given a good verdict, and never after a bad one. */
export function makeVerdict(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  { supervisor, workers, follows, items, lifecycle, onWait }: VerdictArgs,
): Verdict {
  const end = lifecycle.complete(supervisor, [workers], onWait).then(async (job) => {
    const cluster = await lifecycle.cluster;
    if (!cluster || !job) return undefined;
    const read = await printedVerdict(cluster, job, lifecycle.warn).catch((error: Error) => fail(error, parent));
    return read.verdict ?? fail(new Error(read.problem), parent);
  });
  const given = end.then(() => {});
  given.catch(() => {}); // the ConfigMap, which waits for it, reports it
  const uid = uidOf(supervisor);
  // It names items, so it is secret if they are.
  const data = pulumi.all([uid, lifecycle.left, items]).apply(async ([uid, { verdict }]) => {
    if (verdict?.uids.includes(uid)) return verdict.data;
    if (isMocked() && !pulumi.runtime.isDryRun()) return {};
    if (isPreview()) return pulumi.unknown as Record<string, string>;
    // Either the engine passes over the verdict, or the annotations of the Jobs do not change: that must be refused by
    // the API server.
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
  const text = (key: keyof typeof NOTHING) => map.data.apply((kept) => kept?.[key] ?? NOTHING[key]);
  return {
    counts: pulumi.unsecret(text("counts").apply((json) => JSON.parse(json) as BatchCounts)),
    failed: text("failed").apply((json) => JSON.parse(json) as string[]),
    seconds: pulumi.unsecret(text("seconds").apply(Number)),
    finish: text("finish"),
    given,
  };
}
