// Ends the wait for an image that no node can pull: the provider waits for a Job until its deadline, whatever becomes of its pods [src: provider/pkg/await].
import { setTimeout as sleep } from "node:timers/promises";
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1Pod,
} from "@kubernetes/client-node";
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { kubeconfigOf, type ProviderSettings } from "../../config/kubeconfig.ts";

/** How often it looks, ms. */
const POLL_MS = 2_000;
/** How long it must be so, ms: a kubelet tries again after 10 s, so it has failed twice by then. */
const GRACE_MS = 20_000;
/** What a kubelet calls an image that it cannot have [src: kubernetes pkg/kubelet/images/types.go]. */
const PULL_FAILURES = [
  ...["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
  ...["ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"],
];

/** An image that cannot be had, and what the kubelet says of it, in one line. */
export interface ImagePullError {
  image: string;
  why: string;
}

/** What all of these pods wait for in vain; undefined where there is none, or one of them got further. */
export function imagePullError(pods: V1Pod[]): ImagePullError | undefined {
  const troubles = pods.map(({ status }) => {
    const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    return containers.find(({ state }) => PULL_FAILURES.includes(state?.waiting?.reason ?? ""));
  });
  if (troubles.some((trouble) => !trouble)) return undefined;
  const [first] = troubles;
  if (!first) return undefined;
  const { reason, message = reason! } = first.state!.waiting!;
  const known = /^(Back-off pulling image "[^"]*": )?(ErrImagePull: )?(rpc error: code = \w+ desc = )?/;
  return { image: first.image, why: message.replace(known, "").split("\n", 1)[0]! };
}

/** Whether its image was there: then the others of its Job may have it, too. */
export function hasStarted({ status }: V1Pod): boolean {
  return status?.containerStatuses?.some(({ state }) => Boolean(state?.running ?? state?.terminated)) ?? false;
}

export interface WatchedJob {
  name: string;
  job: k8s.batch.v1.Job;
}

/** What is watched, until `up` has what it waits for. */
export interface ImagePullWatch {
  namespace: string;
  /** The Jobs that are waited for, and what they are called there. */
  jobs: WatchedJob[];
  /** Where they are. */
  cluster: ProviderSettings;
}

/**
 * Watches the pods of the Jobs that this `up` makes. Where none of a Job's pods can pull its image, it says so as an error of `up` and puts the Job past
 * its deadline, which ends the wait. Where the cluster does not let it look, the deadline stays the end of it. Resolves when there is nothing left to
 * watch; does not keep the program alive.
 */
export async function watchImagePulls({ namespace, jobs, cluster }: ImagePullWatch): Promise<void> {
  const waiting = new Set(jobs);
  for (const one of jobs) one.job.id.apply(() => waiting.delete(one));
  const config = kubeconfigOf(cluster);
  const batch = config.makeApiClient(BatchV1Api);
  const core = config.makeApiClient(CoreV1Api);
  // Those of an earlier `up` are still to be replaced.
  const { items } = await batch.listNamespacedJob({ namespace });
  const old = new Set(items.map(({ metadata }) => metadata?.uid));
  const since = new Map<WatchedJob, number>();

  const look = async (one: WatchedJob): Promise<void> => {
    const { name } = one;
    const labelSelector = `job-name=${name}`;
    const { items } = await core.listNamespacedPod({ namespace, labelSelector, limit: 50 });
    const pods = items.filter(({ metadata }) => !old.has(metadata?.ownerReferences?.[0]?.uid));
    if (pods.some(hasStarted)) waiting.delete(one);
    const now = performance.now();
    const trouble = imagePullError(pods);
    if (trouble) since.set(one, since.get(one) ?? now);
    else since.delete(one);
    if (!trouble || now - since.get(one)! < GRACE_MS) return;
    waiting.delete(one);
    const ask =
      "is the name right, and may the cluster pull it (`registryUsername` and `registryPassword`, or `pullSecret`)?";
    // Of no resource: the Job has no name in the engine before it is there.
    await pulumi.log.error(`The cluster cannot pull ${trouble.image}: ${trouble.why}; ${ask}`);
    const overdue = { name, namespace, body: { spec: { activeDeadlineSeconds: 1 } } };
    await batch.patchNamespacedJob(overdue, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
  };
  while (waiting.size > 0) {
    await sleep(POLL_MS, undefined, { ref: false });
    try {
      for (const one of waiting) await look(one);
    } catch (error) {
      if (error instanceof ApiException && [401, 403].includes(error.code)) return;
      // Any other is the cluster's, and passes; or `up` meets it itself.
    }
  }
}
