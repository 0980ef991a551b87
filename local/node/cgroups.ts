// Cgroups that hold the nodes' pods. A kubelet expects its cgroup root to be there when it starts.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const CGROUP2_MAGIC = 0x63677270;
/** Controllers that a kubelet needs in its cgroup root under version 2. */
const CONTROLLERS = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

/** Roots of the hierarchies: one under version 2; under version 1, also beside version 2, one a controller. */
function hierarchies(root: string): string[] {
  if (statfsSync(root).type === CGROUP2_MAGIC) return [root];
  return readdirSync(root)
    .map((name) => join(root, name))
    .filter((dir) => existsSync(join(dir, "cgroup.procs")));
}

/** Lets children of a version 2 cgroup have the controllers. */
function delegate(dir: string): void {
  const available = readFileSync(join(dir, "cgroup.controllers"), "utf8").trim().split(" ");
  for (const controller of CONTROLLERS.filter((name) => available.includes(name))) {
    try {
      writeFileSync(join(dir, "cgroup.subtree_control"), `+${controller}`);
    } catch {
      // Refused below another cgroup that has processes of its own; the kubelet says which controller it lacks.
    }
  }
}

/** A new cpuset of version 1 has no processor and no memory, and takes no process until it has. */
function copyCpuset(from: string, to: string): void {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    const text = (dir: string) => readFileSync(join(dir, name), "utf8").trim();
    if (existsSync(join(to, name)) && !text(to)) writeFileSync(join(to, name), text(from));
  }
}

/** Makes a cgroup in every hierarchy. */
export function makeCgroup(name: string, root = ROOT): void {
  for (const hierarchy of hierarchies(root)) {
    const dir = join(hierarchy, name);
    if (hierarchy === root) delegate(hierarchy);
    mkdirSync(dir, { recursive: true });
    if (hierarchy !== root) copyCpuset(hierarchy, dir);
  }
}

/** Processes in a cgroup and below it. */
export function cgroupProcesses(name: string, root = ROOT): number[] {
  const pids = new Set<number>();
  const collect = (dir: string) => {
    for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").trim().split("\n"))
      if (pid) pids.add(Number(pid));
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) collect(join(dir, entry.name));
    }
  };
  for (const hierarchy of hierarchies(root)) {
    try {
      collect(join(hierarchy, name));
    } catch {
      // It is not there, or a pod's went while it was read.
    }
  }
  return [...pids];
}

/** Removes a cgroup and those below it from every hierarchy; the kernel keeps those that have a process. */
export function removeCgroup(name: string, root = ROOT): void {
  const remove = (dir: string) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      if (entry.isDirectory()) remove(join(dir, entry.name));
    }
    rmdirSync(dir);
  };
  for (const hierarchy of hierarchies(root)) {
    try {
      remove(join(hierarchy, name));
    } catch {
      // It is not there, or still in use.
    }
  }
}
