// A daemon of the platform: makes a volume for each claim of its storage class, and deletes it when the claim is gone.
// A volume is a folder of this machine that only the pods of one node may use: the one that the scheduler picked for
// the claim's first pod.
//
//   node provisioner.mjs KUBECONFIG FOLDER SOCKET
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  CoreV1Api,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  type V1PersistentVolume,
  type V1PersistentVolumeClaim,
} from "@kubernetes/client-node";
import { provisionerName } from "./provisionerName.ts";

const PROVISIONER = "volume.kubernetes.io/storage-provisioner";
const SELECTED_NODE = "volume.kubernetes.io/selected-node";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
const RETRY_MS = 500;

const [kubeconfig, folder, socket] = process.argv.slice(2) as [string, string, string];
const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const core = config.makeApiClient(CoreV1Api);

/** The volume of a claim, for the pods of the node that was picked for it. */
function volumeFor({ metadata, spec }: V1PersistentVolumeClaim, node: string): V1PersistentVolume {
  const name = `pvc-${metadata!.uid}`;
  const onNode = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
  return {
    metadata: { name, annotations: { [PROVISIONED_BY]: provisionerName } },
    spec: {
      capacity: { storage: spec!.resources!.requests!.storage! },
      accessModes: spec!.accessModes,
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName: spec!.storageClassName,
      claimRef: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        namespace: metadata!.namespace,
        name: metadata!.name,
        uid: metadata!.uid,
      },
      local: { path: join(folder, name) },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onNode] }] } },
    },
  };
}

async function provision(claim: V1PersistentVolumeClaim): Promise<void> {
  const { metadata, spec } = claim;
  const node = metadata?.annotations?.[SELECTED_NODE];
  if (metadata?.annotations?.[PROVISIONER] !== provisionerName || !node || spec?.volumeName) return;
  const volume = volumeFor(claim, node);
  const path = volume.spec!.local!.path;
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777); // whatever user a pod runs as
  await core.createPersistentVolume({ body: volume });
  console.log(`made ${volume.metadata!.name} on ${node} for ${metadata.namespace}/${metadata.name}`);
}

async function reclaim({ metadata, spec, status }: V1PersistentVolume): Promise<void> {
  if (status?.phase !== "Released" || metadata?.annotations?.[PROVISIONED_BY] !== provisionerName) return;
  rmSync(spec!.local!.path, { recursive: true, force: true });
  await core.deletePersistentVolume({ name: metadata.name! });
  console.log(`deleted ${metadata.name}`);
}

/** Watches objects for ever. If something fails for one of them, it is tried again while its state asks for it. */
async function watch<T extends KubernetesObject>(
  path: string,
  list: () => Promise<KubernetesListObject<T>>,
  handle: (object: T) => Promise<void>,
): Promise<void> {
  const informer = makeInformer(config, path, list);
  const attempt = async (object: T) => {
    try {
      await handle(object);
    } catch (error) {
      const { code } = error as { code?: number };
      if (code === 409 || code === 404) return; // It was done before.
      const { name, namespace } = object.metadata!;
      console.error(`${namespace ?? ""}/${name}: ${(error as Error).message}`);
      setTimeout(() => {
        const now = informer.get(name!, namespace);
        if (now) void attempt(now);
      }, RETRY_MS);
    }
  };
  informer.on("add", (object) => void attempt(object));
  informer.on("update", (object) => void attempt(object));
  // The API server is away.
  informer.on("error", () => void setTimeout(() => void informer.start(), RETRY_MS));
  await informer.start();
}

await Promise.all([
  watch("/api/v1/persistentvolumeclaims", () => core.listPersistentVolumeClaimForAllNamespaces(), provision),
  watch("/api/v1/persistentvolumes", () => core.listPersistentVolume(), reclaim),
]);
rmSync(socket, { force: true });
createServer((connection) => connection.end()).listen(socket);
