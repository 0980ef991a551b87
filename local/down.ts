// `platform down`: ends what runs, and removes what it left in the kernel: mounts, bridge, links, rules, cgroups,
// settings.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { log } from "./host/exec.ts";
import { restoreSysctls } from "./host/sysctls.ts";
import { removeCgroup } from "./node/cgroups.ts";
import { stop } from "./node/daemon.ts";
import { removeNetwork } from "./node/network.ts";
import { stopNode } from "./node/nodeControl.ts";
import { allNodes } from "./node/nodes.ts";
import { kill, pulumiProcesses } from "./node/processes.ts";
import { runDir, stateDir } from "./paths.ts";

/** Daemons that end before the nodes, since they create and delete pods. */
const FIRST = ["scheduler", "controller-manager", "provisioner"];
/** Daemons that end after the nodes, which use them. dockerd ends before the containerd that it uses. */
const LAST = ["proxy", "coredns", "apiserver", "docker-registry"];

const CNI_RESULTS = "/var/lib/cni/results";

async function stopAll(names: string[]): Promise<string[]> {
  const ran = await Promise.all(names.map(stop));
  return names.filter((_, index) => ran[index]);
}

/**
 * Unmounts what is mounted below the platform's folders, the last mounted first.
 * @returns How many mounts there were.
 */
export async function unmountBelow(...folders: string[]): Promise<number> {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .reverse();
  for (const point of points) await execa("umount", ["--lazy", point.replaceAll("\\040", " ")], { reject: false });
  return points.length;
}

/** containerd keeps the result of each pod's network setup in a folder that cannot be chosen. */
function removePodNetworkResults(): void {
  const ours = existsSync(CNI_RESULTS) ? readdirSync(CNI_RESULTS).filter((name) => name.startsWith("job-wq-2-")) : [];
  for (const name of ours) rmSync(join(CNI_RESULTS, name), { force: true });
}

/** Stops the platform. @returns What it ended. */
export async function down(): Promise<string> {
  const ended = [...(await stopAll(FIRST)), ...(await stopAll(["dockerd"]))];
  const nodes = await Promise.all(allNodes.map(stopNode));
  // etcd outlives the API server, which would wait for it in vain.
  ended.push(...nodes.flatMap((node) => node.ended), ...(await stopAll(LAST)), ...(await stopAll(["etcd"])));
  await kill(pulumiProcesses());
  const mounts = await unmountBelow(stateDir, runDir);
  // If no daemon of ours ran, the rules belong to another Kubernetes.
  if (ended.length > 0 || existsSync(runDir)) await removeNetwork();
  restoreSysctls();
  for (const { cgroup } of allNodes) removeCgroup(cgroup);
  rmSync(runDir, { recursive: true, force: true });
  removePodNetworkResults();
  const killed = nodes.reduce((sum, node) => sum + node.killed, 0);
  log(`down: ${ended.join(", ")}; ${killed} processes of containers, ${mounts} mounts`);
  return ended.length ? `stopped ${ended.join(", ")}` : "nothing was running";
}
