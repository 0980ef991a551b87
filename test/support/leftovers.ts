// Leftovers of a stopped platform on the machine.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { bridge } from "../../local/addresses.ts";
import { runDir, stateDir } from "../../local/paths.ts";

const CGROUPS = "/sys/fs/cgroup";

/** Command lines of all processes. */
export function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // It ended meanwhile.
      }
    });
}

function processes(): string[] {
  return commandLines()
    .filter((line) => line.includes(stateDir) || line.includes(`${runDir}/`))
    .filter((line) => !line.includes("platform.ts") && !line.startsWith("sh "))
    .map((line) => `process ${line}`);
}

/** Network links of the platform. */
async function links(): Promise<string[]> {
  const { stdout } = await execa("ip", ["-o", "link", "show"]);
  return stdout.split("\n").filter((line) => line.includes(bridge) || / veth[0-9a-f]{8}@/.test(line));
}

async function rules(): Promise<string[]> {
  const saved = await Promise.all(["iptables-save", "ip6tables-save"].map((save) => execa(save, { reject: false })));
  return saved
    .flatMap(({ stdout }) => (stdout ?? "").split("\n"))
    .filter((line) => /KUBE-|CNI-|name: .?"job-wq-2/.test(line))
    .map((line) => `rule ${line}`);
}

function cgroups(): string[] {
  const dirs = [CGROUPS, ...readdirSync(CGROUPS).map((name) => join(CGROUPS, name))];
  const ours = dirs.flatMap((dir) => ["job-wq-2", "job-wq-2-b"].map((name) => join(dir, name)));
  return ours.filter((dir) => existsSync(dir)).map((dir) => `cgroup ${dir}`);
}

/** Processes, mounts, links, rules, cgroups and sockets of the platform. */
export async function leftovers(): Promise<string[]> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(` ${stateDir}/`) || line.includes(` ${runDir}/`));
  return [
    ...processes(),
    ...mounts.map((line) => `mount ${line}`),
    ...(await links()).map((line) => `link ${line}`),
    ...(await rules()),
    ...cgroups(),
    ...(existsSync(runDir) ? [runDir] : []),
  ];
}
