// Parts that come as Debian packages: installed by apt if the command is not on the machine yet.
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { execa } from "execa";
import { run } from "./exec.ts";

/** Commands that must be there, and the packages they come from; Ubuntu has the same names. */
export const packages = {
  etcd: "etcd-server",
  containerd: "containerd",
  runc: "runc",
  dockerd: "docker.io",
  docker: "docker.io",
  "docker-registry": "docker-registry",
  iptables: "iptables",
  conntrack: "conntrack",
  mmdebstrap: "mmdebstrap",
  openssl: "openssl",
  ip: "iproute2",
  htpasswd: "apache2-utils",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
} as const;

/** Folders of daemons, which a user's PATH may leave out. */
const DAEMON_DIRS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Full path of a command, as root's shell would find it. */
export function which(command: string): string | undefined {
  const dirs = [...(process.env.PATH ?? "").split(":"), ...DAEMON_DIRS];
  const candidates = command.startsWith("/") ? [command] : dirs.map((dir) => join(dir, command));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian asks this file before a package starts its service. The platform starts what it needs by itself. */
const POLICY = "/usr/sbin/policy-rc.d";
const OURS = "# job-wq-2";

/** The file forbids services only while this process lives, since this may be killed before it removes the file. */
export async function withoutServices(work: () => Promise<unknown>, policy = POLICY): Promise<void> {
  const set = !existsSync(policy) || readFileSync(policy, "utf8").includes(OURS);
  const text = `#!/bin/sh\n${OURS}\nkill -0 ${process.pid} 2>/dev/null && exit 101\nexit 0\n`;
  if (set) writeFileSync(policy, text, { mode: 0o755 });
  try {
    await work();
  } finally {
    if (set) rmSync(policy, { force: true });
  }
}

/** Version of the package that a command is from; empty if it is from none. */
export async function debianVersion(command: string): Promise<string> {
  const name = (packages as Record<string, string>)[basename(command)] ?? basename(command);
  const { stdout } = await execa("dpkg-query", ["-W", "-f=${Version}", name], { reject: false });
  return stdout ? `Debian's ${stdout}` : "";
}

/** Installs what is missing, without starting the services that packages bring. @returns What it did. */
export async function installPackages(): Promise<string> {
  const missing = [
    ...new Set(
      Object.entries(packages)
        .filter(([command]) => !which(command))
        .map(([, name]) => name),
    ),
  ];
  if (!missing.length) return "from Debian, there already";
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  // A fresh machine may have no package lists, or old ones.
  await withoutServices(() =>
    run("apt-get", install, { env }).catch(async () => {
      await run("apt-get", ["update"], { env });
      await run("apt-get", install, { env });
    }),
  );
  return `installed from Debian: ${missing.join(", ")}`;
}
