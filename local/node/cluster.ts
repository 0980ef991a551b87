// Parts that make a running API server a usable cluster: its nodes, and a storage class.
import {
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  StorageV1Api,
  type V1Lease,
  type V1Node,
} from "@kubernetes/client-node";
import { rmSync } from "node:fs";
import { UserError } from "../errors.ts";
import { pollUntil } from "../../kube/poll.ts";
import { kubeconfig } from "../paths.ts";
import { running } from "./daemon.ts";
import type { ClusterNode } from "./nodes.ts";
import { provisionerName } from "./provisionerName.ts";

const STORAGE_CLASS = "local";
const POLL = { timeoutMs: 90_000, intervalMs: 100 };

function api() {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return {
    core: config.makeApiClient(CoreV1Api),
    storage: config.makeApiClient(StorageV1Api),
    leases: config.makeApiClient(CoordinationV1Api),
  };
}

/** Answers undefined for what is not there. */
const orNothing = (error: { code?: number }) => {
  if (error.code !== 404) throw error as unknown as Error;
  return undefined;
};

/** State of a node as the cluster sees it. */
export interface NodeState {
  ready: boolean;
  /** The kubelet's view of it. */
  message: string;
}

/** The state that a node's kubelet has reported since its start. A report of an earlier kubelet does not count. */
function stateOf(node: V1Node | undefined, lease: V1Lease | undefined, startedAt: number): NodeState {
  if (!node) return { ready: false, message: "it did not register" };
  const condition = node.status?.conditions?.find(({ type }) => type === "Ready");
  const isFresh = new Date(lease?.spec?.renewTime ?? 0).getTime() > startedAt;
  return { ready: condition?.status === "True" && isFresh, message: condition?.message ?? "" };
}

/** The state of a node now. */
export async function nodeState({ name, kubelet }: ClusterNode): Promise<NodeState> {
  const { core, leases } = api();
  const [node, lease] = await Promise.all([
    core.readNode({ name }).catch(orNothing),
    leases.readNamespacedLease({ name, namespace: "kube-node-lease" }).catch(orNothing),
  ]);
  return stateOf(node, lease, running(kubelet)?.since ?? Infinity);
}

/** Waits until a node is Ready. */
export async function waitForNode(node: ClusterNode): Promise<void> {
  let message = "";
  const isReady = async () => {
    try {
      const state = await nodeState(node);
      message = state.message;
      return state.ready;
    } catch (error) {
      message = (error as Error).message.split("\n")[0]!;
      return false;
    }
  };
  if (!(await pollUntil(isReady, POLL)))
    throw new UserError(`node ${node.name} is not ready after ${POLL.timeoutMs / 1000} s: ${message}`);
}

/** Waits until pods can be made in the default namespace. */
export async function waitForServiceAccount(): Promise<void> {
  const { core } = api();
  const exists = () => core.readNamespacedServiceAccount({ name: "default", namespace: "default" }).catch(orNothing);
  if (!(await pollUntil(exists, POLL))) throw new UserError("the default namespace has no service account");
}

/**
 * Removes a node that no longer runs from the cluster, with its pods, which no kubelet would ever end, and with the
 * claims on its folders. Then the owners of both create them anew elsewhere.
 * @returns Whether it was in the cluster.
 */
export async function forgetNode({ name }: ClusterNode): Promise<boolean> {
  const { core } = api();
  if (!(await core.readNode({ name }).catch(orNothing))) return false;
  await core.deleteNode({ name }).catch(orNothing);
  for (const { spec } of (await core.listPersistentVolume()).items) {
    const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
    const isThere = terms.some(({ matchExpressions }) =>
      matchExpressions?.some(({ values }) => values?.includes(name)),
    );
    const claim = spec?.claimRef;
    if (isThere && claim)
      await core
        .deleteNamespacedPersistentVolumeClaim({ name: claim.name!, namespace: claim.namespace! })
        .catch(orNothing);
  }
  const pods = await core.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${name}` });
  for (const { metadata } of pods.items) {
    const pod = { name: metadata!.name!, namespace: metadata!.namespace!, gracePeriodSeconds: 0 };
    await core.deleteNamespacedPod(pod).catch(orNothing);
  }
  return true;
}

/** The default storage class. Its claims get a volume when their first pod is scheduled. */
export async function makeStorageClass(): Promise<void> {
  const { core, storage } = api();
  const there = await storage.readStorageClass({ name: STORAGE_CLASS }).catch(orNothing);
  if (there?.provisioner === provisionerName) return;
  if (there) {
    // This is of an earlier version, which made some volumes beforehand.
    await storage.deleteStorageClass({ name: STORAGE_CLASS });
    for (const { metadata, spec, status } of (await core.listPersistentVolume()).items) {
      const isUnused = status?.phase === "Available" || status?.phase === "Released";
      if (!isUnused || spec?.storageClassName !== STORAGE_CLASS) continue;
      await core.deletePersistentVolume({ name: metadata!.name! });
      rmSync(spec.local!.path, { recursive: true, force: true });
    }
  }
  await storage.createStorageClass({
    body: {
      metadata: {
        name: STORAGE_CLASS,
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
      },
      provisioner: provisionerName,
      reclaimPolicy: "Delete",
      volumeBindingMode: "WaitForFirstConsumer",
    },
  });
}
