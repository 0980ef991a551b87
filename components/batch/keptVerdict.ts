// The verdict of a Batch as an earlier `up` kept it in the cluster. It stands even if the Jobs are gone.
import type { V1Job } from "@kubernetes/client-node";
import type { Cluster } from "../cluster/client.ts";
import { answerOf } from "../cluster/absence.ts";
import { FOLLOWS } from "../cluster/liveJobs.ts";
import type { Owner } from "../cluster/owner.ts";
import { batchNames } from "../objectNames.ts";

/** Annotation with the {@link Marks} of the Jobs that it is of. */
export const MARKS = "job-wq-2/marks";

/** Marks of one `up` in a Job. They must be repeated if nothing is to change. */
export interface Marks {
  /** For each Job, the uid of the failed or cut-off Job that it replaces, or an empty text. */
  seed: string;
  workers: string;
  supervisor: string;
  /**
   * Value of the annotation with which an `up` asks for a wait. A Job that the engine passes over (`--target`) keeps an
   * older one. If nothing is left to wait for, it does not change.
   */
  awaited: string;
}

/** A kept verdict. */
export interface KeptVerdict {
  /** The Jobs that it is of. */
  uids: string[];
  marks: Marks;
  data: Record<string, string>;
}

/**
 * Reads it; undefined if there is none, or the supervisor that is there now has not judged yet.
 * @throws Error if it may not be read, or the cluster stays away.
 */
export async function keptVerdict(
  cluster: Cluster,
  { namespace, name, owner, supervisor }: { namespace: string; name: string; owner: Owner; supervisor?: V1Job },
): Promise<KeptVerdict | undefined> {
  const request = { name: batchNames(name).verdict, namespace };
  const denied = `The cluster does not let \`up\` see the ConfigMap ${request.name}: allow it to \`get\` configmaps in namespace ${namespace}.`;
  const map = await answerOf(cluster, () => cluster.core.readNamespacedConfigMap(request), denied);
  const annotations = map?.metadata?.annotations ?? {};
  const { [FOLLOWS]: follows, [MARKS]: marks } = annotations;
  // One without counts is of an earlier version, whose `up` passed although it could not read the verdict.
  if (!follows || !marks || !owner.owns(annotations) || !map?.data?.counts) return undefined;
  const uids = follows.split(" ");
  if (supervisor && !uids.includes(supervisor.metadata!.uid!)) return undefined;
  return { uids, marks: JSON.parse(marks) as Marks, data: map.data };
}
