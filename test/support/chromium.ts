import { existsSync } from "node:fs";
import { execa } from "execa";
import { type Browser, chromium } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";

/**
 * A headless Chromium: that of Debian, which is installed with its fonts and libraries if it is missing. CHROMIUM names
 * another one.
 */
export async function startChromium(): Promise<Browser> {
  const program = process.env.CHROMIUM ?? PROGRAM;
  if (!existsSync(program)) {
    console.log("      chromium is not here: apt-get install chromium (once, some minutes)");
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await execa("apt-get", ["update", "-q"], { env });
    await execa("apt-get", ["install", "-q", "-y", "--no-install-recommends", "chromium"], { env });
  }
  // As root, and without a /dev/shm of a useful size, as in most containers.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
  return chromium.launch({ executablePath: program, args });
}
