// Processes of pods. All nodes are this machine, so it sees all of them.
import { readdirSync, readFileSync } from "node:fs";
import { kill } from "../../local/node/processes.ts";

/** Processes of a pod whose command line matches. */
function processesOf(uid: string, command: RegExp): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.test(commandLine) && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(uid);
      } catch {
        return false; // It ended meanwhile.
      }
    })
    .map(Number);
}

/** Ends them with SIGKILL, as the kernel does when memory runs out. @returns The time; undefined if there are none. */
export async function killInPod({ uid }: { uid: string }, command: RegExp): Promise<number | undefined> {
  const pids = processesOf(uid, command);
  const at = Date.now();
  return pids.length > 0 && (await kill(pids)) > 0 ? at : undefined;
}
