// The parts that Debian packages: installed by apt where a command is not on the machine yet.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { run } from "./run.ts";

/** A command that must be there, and the package it comes from. */
export const packages = {
  etcd: "etcd-server",
  containerd: "containerd",
  runc: "runc",
  dockerd: "docker.io",
  "docker-registry": "docker-registry",
  iptables: "iptables",
  conntrack: "conntrack",
  mmdebstrap: "mmdebstrap",
  openssl: "openssl",
  ip: "iproute2",
  htpasswd: "apache2-utils",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
} as const;

/** The full path of a command, as a shell would find it; Debian keeps daemons where a user's PATH may not look. */
export function which(command: string): string | undefined {
  const path = `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
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
  const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  // A fresh machine may have no package lists, or old ones.
  await run("apt-get", install, { env }).catch(async () => {
    await run("apt-get", ["update"], { env });
    await run("apt-get", install, { env });
  });
  return `installed from Debian: ${missing.join(", ")}`;
}
