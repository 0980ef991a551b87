// Settings of the kernel that the platform needs, and their earlier values, which `down` restores.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runDir } from "../paths.ts";

const ROOT = "/proc/sys";
/** File with the earlier values. A reboot removes it, and resets the settings. */
const foundFile = join(runDir, "sysctls.json");

const found = (): Record<string, string> =>
  existsSync(foundFile) ? (JSON.parse(readFileSync(foundFile, "utf8")) as Record<string, string>) : {};

/** Sets one, like `net/ipv4/ip_forward`, if the kernel has it, and notes its earlier value. */
export function setSysctl(name: string, value: string): void {
  const path = join(ROOT, name);
  if (!existsSync(path)) return;
  const now = readFileSync(path, "utf8").trim();
  if (now === value) return;
  mkdirSync(runDir, { recursive: true });
  writeFileSync(foundFile, JSON.stringify({ [name]: now, ...found() }));
  writeFileSync(path, value);
}

/** Restores the values before {@link setSysctl}. */
export function restoreSysctls(): void {
  for (const [name, value] of Object.entries(found())) {
    if (existsSync(join(ROOT, name))) writeFileSync(join(ROOT, name), value);
  }
}
