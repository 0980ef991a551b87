// The nodes of the cluster. Each is a containerd and a kubelet of its own on this machine, told apart by name, sockets,
// folders, ports and cgroup. They share the machine's address, the bridge with its store of pod addresses, and one
// kube-proxy.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { runDir, stateDir } from "../paths.ts";

/** One node: its name in the cluster, its daemons, and what only it uses. */
export interface ClusterNode {
  name: string;
  /** Names of its daemons. */
  containerd: string;
  kubelet: string;
  /** Configuration files, in the state folder. */
  containerdConfig: string;
  kubeletConfig: string;
  /** Socket of its containerd. */
  socket: string;
  /** containerd's folders: what it keeps, and what is gone after a reboot. */
  root: string;
  state: string;
  kubeletRoot: string;
  podLogs: string;
  /**
   * Parent of its pods' cgroups. A kubelet ends every pod below its cgroup root that it does not know, so two kubelets
   * must not share one, nor may one have the machine's root while the other has a folder in it.
   */
  cgroup: string;
  ports: { kubelet: number; healthz: number };
}

function clusterNode(suffix: string, offset: number): ClusterNode {
  return {
    name: `job-wq-2${suffix}`,
    containerd: `containerd${suffix}`,
    kubelet: `kubelet${suffix}`,
    containerdConfig: join(stateDir, `containerd${suffix}.toml`),
    kubeletConfig: join(stateDir, `kubelet${suffix}.yaml`),
    socket: join(runDir, `containerd${suffix}.sock`),
    root: join(stateDir, `containerd${suffix}`),
    state: join(runDir, `containerd${suffix}`),
    kubeletRoot: join(stateDir, `kubelet${suffix}`),
    podLogs: join(stateDir, `pod-logs${suffix}`),
    cgroup: `job-wq-2${suffix}`,
    ports: { kubelet: 10250 + offset, healthz: 10248 + offset },
  };
}

/** The first node: the Docker engine works with its containerd. */
export const firstNode = clusterNode("", 0);

/** All the nodes that there can be. */
export const allNodes: readonly ClusterNode[] = [firstNode, clusterNode("-b", 10)];

const countFile = join(stateDir, "nodes");

/** Nodes of the platform as it was last brought up; all of them if it never was. */
export function chosenNodes(): readonly ClusterNode[] {
  const count = existsSync(countFile) ? Number(readFileSync(countFile, "utf8")) : allNodes.length;
  return allNodes.slice(0, count);
}

/** Sets how many nodes the platform has from now on. */
export function chooseNodes(count: number): void {
  writeFileSync(countFile, String(count));
}

/** The node of this name. @throws UserError if there is none. */
export function nodeNamed(name: string): ClusterNode {
  const node = allNodes.find((one) => one.name === name);
  if (!node) throw new UserError(`there is no node ${name}; there are ${allNodes.map((one) => one.name).join(", ")}`);
  return node;
}
