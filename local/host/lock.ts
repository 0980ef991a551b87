// One `up` or `down` at a time on a machine.
import { mkdirSync } from "node:fs";
import lockfile from "proper-lockfile";
import { stateDir } from "../paths.ts";

/** Runs `work` under the platform's lock. `onWait` is called once when another process holds it. */
export async function withLock<T>(work: () => Promise<T>, onWait: () => void): Promise<T> {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const options = { stale: 10_000, update: 2_000 };
  let release: () => Promise<void>;
  try {
    release = await lockfile.lock(stateDir, options);
  } catch (error) {
    if ((error as { code?: string }).code !== "ELOCKED") throw error;
    onWait();
    release = await lockfile.lock(stateDir, {
      ...options,
      retries: { retries: 3600, factor: 1, minTimeout: 500, maxTimeout: 500 },
    });
  }
  try {
    return await work();
  } finally {
    await release();
  }
}
