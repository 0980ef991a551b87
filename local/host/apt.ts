// The parts that Debian packages: installed by apt where a command is not on the machine yet.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { run } from "./exec.ts";

/** A command that must be there, and the package it comes from. */
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

/** The full path of a command, as a shell would find it. */
export function which(command: string): string | undefined {
  const path = process.env.PATH ?? "";
  const candidates = command.startsWith("/") ? [command] : path.split(":").map((dir) => join(dir, command));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Debian asks this file before a package starts its service; the platform starts what it needs by itself. */
const policy = "/usr/sbin/policy-rc.d";

async function withoutServices(work: () => Promise<unknown>): Promise<void> {
  const set = !existsSync(policy);
  if (set) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await work();
  } finally {
    if (set) rmSync(policy, { force: true });
  }
}

/** The version of the package that a command is from; empty where Debian did not bring it. */
export async function debianVersion(command: string): Promise<string> {
  const name = (packages as Record<string, string>)[command] ?? command;
  const { stdout } = await execa("dpkg-query", ["-W", "-f=${Version}", name], { reject: false });
  return stdout ? `Debian's ${stdout}` : "";
}

/** Installs what is missing; services that packages bring are not started. Returns what it did. */
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
