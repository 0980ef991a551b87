// The end and the return of a node: by `down`, by `up` after a crash, and by tests on purpose.
import { cgroupProcesses } from "./cgroups.ts";
import { running, start, stop } from "./daemon.ts";
import { chosenNodes, type ClusterNode, nodeNamed } from "./nodes.ts";
import { containerProcesses, kill } from "./processes.ts";
import { daemons } from "./daemons.ts";

/** containerd's namespace of what a kubelet runs; the Docker engine's containers are in another. */
const KUBERNETES = "k8s.io";

/** Ends the pods of a node, whose kubelet is gone, with SIGKILL. @returns How many processes that were. */
async function killPods({ socket, cgroup }: ClusterNode): Promise<number> {
  return kill([...new Set([...containerProcesses(socket, KUBERNETES), ...cgroupProcesses(cgroup)])]);
}

/** Kills a node as a power cut does: kubelet, containerd and pods at once, all with SIGKILL. */
export async function killNode(name: string): Promise<void> {
  const node = nodeNamed(name);
  const daemonPids = [node.kubelet, node.containerd].flatMap((daemon) => running(daemon)?.pid ?? []);
  // Without the daemons nothing new is started, so a second look finds what was started during the first.
  await kill(daemonPids);
  await killPods(node);
  await killPods(node);
}

/** Starts a node that was killed or stopped, and waits until it is Ready. */
export async function reviveNode(name: string): Promise<void> {
  const node = nodeNamed(name);
  const all = daemons(chosenNodes());
  for (const daemon of [node.containerd, node.kubelet]) await start(all[daemon]!);
  const { waitForNode } = await import("./cluster.ts");
  await waitForNode(node);
}

/** Kills a daemon of the platform with SIGKILL. */
export async function killDaemon(name: string): Promise<void> {
  const record = running(name);
  if (record) await kill([record.pid]);
}

/** Starts a daemon that was killed, and waits until it serves. */
export async function reviveDaemon(name: string): Promise<void> {
  await start(daemons(chosenNodes())[name]!);
}

/**
 * Stops a node's kubelet, its pods and its containerd.
 * @returns Names of the daemons that ran, and how many processes its pods had.
 */
export async function stopNode(node: ClusterNode): Promise<{ ended: string[]; killed: number }> {
  const ended: string[] = [];
  if (await stop(node.kubelet)) ended.push(node.kubelet);
  // The Docker engine's containers too, if it works with this containerd.
  const killed = (await kill(containerProcesses(node.socket))) + (await killPods(node));
  if (await stop(node.containerd)) ended.push(node.containerd);
  return { ended, killed };
}
