// The pod of a Redis that this program runs: where it is, and when it is ready.
import * as pulumi from "@pulumi/pulumi";
import { type Cluster, connectCluster, known, uidOf } from "../cluster/client.ts";
import type { Watched } from "../cluster/startWatch.ts";
import { waitForRedis } from "../cluster/waitForRedis.ts";
import { fail } from "../engine.ts";
import { selectorText } from "../labels.ts";
import type { K8sObject } from "../types.ts";

/**
 * The pod with these labels, and its cluster.
 * @param data The Pod or StatefulSet.
 * @returns Undefined if the engine passes it over (`--target`), or there is no cluster to ask.
 */
export async function podOf(
  parent: pulumi.ComponentResource,
  service: string,
  ofRedis: pulumi.Output<string>,
  labels: Record<string, string>,
  data: K8sObject,
): Promise<{ cluster: Cluster; watched: Watched } | undefined> {
  const there = await known(pulumi.all([ofRedis, uidOf(data)]));
  const cluster = there && (await connectCluster(parent));
  if (!cluster) return undefined;
  const [namespace, ownerUid] = there;
  const watched = { owner: `Redis ${service}`, ownerUid, namespace, labelSelector: selectorText(labels) };
  return { cluster, watched };
}

/** Resolves when its pod is ready. Rejects with the reason if it cannot start. */
export async function untilReady(parent: pulumi.ComponentResource, pod: ReturnType<typeof podOf>): Promise<void> {
  const found = await pod;
  if (!found) return;
  try {
    await waitForRedis(found.cluster, found.watched, (line) => void pulumi.log.warn(line, parent));
  } catch (error) {
    return fail(error as Error, parent);
  }
}
