// A disk of limited size for Redis: a tmpfs of the machine, as a volume that is reserved for the claim of Redis. It
// outlives pods and nodes, and filling it does not fill the machine's disk.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { platformEnvironment } from "../../local/host/platformEnvironment.ts";
import { firstNode } from "../../local/node/nodes.ts";
import { say } from "../../test/support/platform.ts";

export const DISK_SIZE = "64Mi";
/** Claim of the StatefulSet that components/redis makes. */
const CLAIM = "data-redis-master-0";

/** One disk. */
export class Disk {
  readonly #path: string;
  readonly #name: string;

  private constructor(name: string, path: string) {
    this.#name = name;
    this.#path = path;
  }

  /** Makes it, for the Redis of a namespace. */
  static async make(namespace: string): Promise<Disk> {
    const path = mkdtempSync(join(tmpdir(), "job-wq-2-disk-"));
    const disk = new Disk(namespace, path);
    const size = DISK_SIZE.replace("Mi", "m");
    await execa("mount", ["-t", "tmpfs", "-o", `size=${size},mode=1777`, "job-wq-2-disk", path]);
    chmodSync(path, 0o1777);
    const onNode = { key: "kubernetes.io/hostname", operator: "In", values: [firstNode.name] };
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: namespace },
      spec: {
        capacity: { storage: DISK_SIZE },
        accessModes: ["ReadWriteOnce"],
        storageClassName: "local",
        persistentVolumeReclaimPolicy: "Retain",
        claimRef: { namespace, name: CLAIM },
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onNode] }] } },
      },
    };
    await execa("kubectl", ["apply", "--filename=-"], { env: platformEnvironment(), input: JSON.stringify(volume) });
    return disk;
  }

  /** Removes it and its content, once nothing uses it. */
  async remove(): Promise<void> {
    await say("kubectl", ["delete", "persistentvolume", this.#name, "--ignore-not-found", "--timeout=60s"]);
    await execa("umount", ["--lazy", this.#path]);
    rmSync(this.#path, { recursive: true });
  }
}
