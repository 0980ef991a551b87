// Needs of the platform, checked on the machine before anything is started.
import { readdirSync, readFileSync } from "node:fs";
import { platform } from "node:os";
import { execa } from "execa";
import { UserError } from "../errors.ts";

const instead = "with a cluster of your own, you need no platform: README, Quick start";

/** @throws UserError if the machine cannot run the platform. */
export async function checkMachine(): Promise<void> {
  if (platform() !== "linux") throw new UserError(`the local platform needs Linux, this is ${platform()}; ${instead}`);
  if (process.getuid?.() !== 0) throw new UserError(`the local platform needs root; run it with sudo, or ${instead}`);
  const apt = await execa("apt-get", ["--version"], { reject: false });
  if (apt.failed)
    throw new UserError(`the local platform takes its parts from Debian, and apt-get is not here; ${instead}`);
}

/** Debian mirror that the machine itself uses; base images are made from it too. */
export function debianMirror(): string {
  const dir = "/etc/apt/sources.list.d";
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const files = ["/etc/apt/sources.list", ...readdirSync(dir).map((name) => `${dir}/${name}`)];
  for (const text of files.map(read)) {
    const mirror = /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(\S+\/debian)\/?(?:\s|$)/m.exec(text)?.[1];
    if (mirror) return mirror;
  }
  throw new UserError(
    "the base images can neither be pulled nor made: the image registry does not answer, and /etc/apt has no Debian mirror",
  );
}

/** Name and pid of the process that listens on a TCP port; undefined if none does. */
export async function portOwner(port: number): Promise<string | undefined> {
  const { stdout } = await execa("ss", ["-Hltnp", `sport = :${port}`], { reject: false });
  if (!stdout?.trim()) return undefined;
  const who = /\(\("([^"]+)",pid=(\d+)/.exec(stdout);
  return who ? `${who[1]} (pid ${who[2]})` : "another process";
}
