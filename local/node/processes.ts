// Processes of the machine, and the containers among them.
import { readdirSync, readFileSync } from "node:fs";
import { pollUntil } from "../../kube/poll.ts";
import { startTime } from "../../kube/startTime.ts";
import { binDir, pulumiHome } from "../paths.ts";

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
        return []; // It ended meanwhile.
      }
    });
}

/**
 * Shims of the containerd at `socket` and all that runs under them, children first. `namespace`: only those of this
 * containerd namespace.
 */
export function containerProcesses(socket: string, namespace?: string): number[] {
  const all = processes();
  const isShim = ({ command }: Process) =>
    command.includes("containerd-shim") &&
    command.includes(` ${socket} `) &&
    (namespace === undefined || command.includes(` -namespace ${namespace} `));
  const pids = all.filter(isShim).map(({ pid }) => pid);
  for (const pid of pids) pids.push(...all.filter(({ parent }) => parent === pid).map((child) => child.pid));
  return pids.reverse();
}

/** Language hosts and plugins that an engine of the platform left behind when it was killed, or has not ended yet. */
export function pulumiProcesses(): number[] {
  const isOfEngine = ({ command }: Process) =>
    command.startsWith(`${binDir}/pulumi-language-`) || command.includes(`${pulumiHome}/plugins/`);
  return processes()
    .filter(isOfEngine)
    .map(({ pid }) => pid);
}

/** Ends processes with SIGKILL, and waits until they are gone. @returns How many there were. */
export async function kill(pids: number[]): Promise<number> {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended with its parent.
    }
  }
  const isGone = () => pids.every((pid) => startTime(pid) === undefined);
  await pollUntil(isGone, { timeoutMs: 10_000, intervalMs: 20 });
  return pids.length;
}
