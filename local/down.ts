// `platform down`: ends what runs, and takes away what it left in the kernel: mounts, bridge, veths, rules, cgroups.
import { readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { startTime, stop } from "./node/daemon.ts";
import { removeNetwork } from "./node/network.ts";
import { containerdSocket, runDir, stateDir } from "./paths.ts";
import { note } from "./host/exec.ts";

/** Pods come and go with the kubelet, so it ends before what it works with. */
const order = ["kubelet", "proxy", "coredns", "controller-manager", "scheduler", "apiserver", "etcd", "dockerd"];

interface Process {
  pid: number;
  parent: number;
  command: string;
}

function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const parent = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(name), parent, command }];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

/** The shims of our containerd and all that runs under them. */
function containers(): number[] {
  const all = processes();
  const isShim = ({ command }: Process) => command.includes("containerd-shim") && command.includes(containerdSocket);
  const pids = all.filter(isShim).map(({ pid }) => pid);
  for (const pid of pids) pids.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return pids.reverse(); // children before their shims
}

async function endContainers(): Promise<number> {
  const pids = containers();
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ended with its parent
    }
  }
  while (pids.some((pid) => startTime(pid) !== undefined)) await new Promise((resolve) => setTimeout(resolve, 20));
  return pids.length;
}

async function unmount(): Promise<number> {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${stateDir}/`) || point.startsWith(`${runDir}/`))
    .reverse(); // the last mounted first
  for (const point of points) await execa("umount", ["--lazy", point.replaceAll("\\040", " ")], { reject: false });
  return points.length;
}

/** The kubelet's empty cgroups; a kernel refuses to remove one that is in use. */
function removeCgroups(): void {
  const remove = (dir: string) => {
    for (const entry of readdirSync(dir, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(dir, entry.name));
    rmdirSync(dir);
  };
  for (const controller of readdirSync("/sys/fs/cgroup")) {
    try {
      remove(join("/sys/fs/cgroup", controller, "kubepods"));
    } catch {
      // none there
    }
  }
}

/** Stops the platform. Says what it ended. */
export async function down(): Promise<string> {
  const ended: string[] = [];
  for (const name of order) if (await stop(name)) ended.push(name);
  const killed = await endContainers();
  for (const name of ["containerd", "docker-registry"]) if (await stop(name)) ended.push(name);
  const mounts = await unmount();
  await removeNetwork();
  removeCgroups();
  rmSync(runDir, { recursive: true, force: true });
  note(`down: ${ended.join(", ")}; ${killed} processes of containers, ${mounts} mounts`);
  return ended.length ? `stopped ${ended.join(", ")}` : "nothing was running";
}
