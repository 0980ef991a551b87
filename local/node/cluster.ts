// What makes a running API server a usable cluster: its node, and volumes for those who claim one.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  StorageV1Api,
  type V1PersistentVolume,
} from "@kubernetes/client-node";
import { running } from "./daemon.ts";
import { kubeconfig, nodeName, volumeDir } from "../paths.ts";
import { Trouble } from "../errors.ts";

const storageClass = "local";
const volumes = 4;

function api() {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return {
    core: config.makeApiClient(CoreV1Api),
    storage: config.makeApiClient(StorageV1Api),
    leases: config.makeApiClient(CoordinationV1Api),
  };
}

/** Waits until the node is Ready and the default namespace has its service account. */
export async function waitForNode(): Promise<void> {
  const { core, leases } = api();
  let why = "it did not register";
  for (const end = Date.now() + 90_000; Date.now() < end; await sleep(250)) {
    try {
      const node = await core.readNode({ name: nodeName });
      const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
      why = ready?.message ?? why;
      // A Ready from before a stop is old news: the kubelet that runs now has to have spoken.
      const lease = await leases.readNamespacedLease({ name: nodeName, namespace: "kube-node-lease" });
      const fresh = new Date(lease.spec?.renewTime ?? 0).getTime() > (running("kubelet")?.since ?? Infinity);
      if (ready?.status === "True" && fresh) {
        await core.readNamespacedServiceAccount({ name: "default", namespace: "default" });
        return;
      }
    } catch (error) {
      why = String((error as Error).message).split("\n")[0]!;
    }
  }
  throw new Trouble(`the node is not ready after 90 s: ${why}`);
}

const ignoreExisting = (error: { code?: number }) => {
  if (error.code !== 409) throw error as unknown as Error;
};

function volume(name: string): V1PersistentVolume {
  return {
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: storageClass,
      local: { path: join(volumeDir, name) },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [nodeName] }] },
          ],
        },
      },
    },
  };
}

/** A few local volumes and the default StorageClass. One that was used and given back is made again, empty. */
export async function makeVolumes(): Promise<void> {
  const { core, storage } = api();
  await storage
    .createStorageClass({
      body: {
        metadata: { name: storageClass, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
        provisioner: "kubernetes.io/no-provisioner",
        volumeBindingMode: "WaitForFirstConsumer",
      },
    })
    .catch(ignoreExisting);
  for (const { metadata, status } of (await core.listPersistentVolume()).items) {
    if (status?.phase === "Released" && metadata?.name?.startsWith("local-")) {
      await core.deletePersistentVolume({ name: metadata.name });
    }
  }
  const there = new Set((await core.listPersistentVolume()).items.map(({ metadata }) => metadata?.name));
  for (let i = 1, made = there.size; made < volumes; i++) {
    const name = `local-${Date.now().toString(36)}-${i}`;
    mkdirSync(join(volumeDir, name), { recursive: true, mode: 0o777 });
    await core.createPersistentVolume({ body: volume(name) });
    made++;
  }
}
