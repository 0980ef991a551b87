// One `up` or `down` at a time on a machine: the next one waits, and says so.
import { mkdirSync } from "node:fs";
import lockfile from "proper-lockfile";
import { stateDir } from "../paths.ts";

/** Runs `work` alone. `waiting` is called once when somebody else is at it. */
export async function alone<T>(work: () => Promise<T>, waiting: () => void): Promise<T> {
  mkdirSync(stateDir, { recursive: true });
  const options = { stale: 10_000, update: 2_000 };
  let release: () => Promise<void>;
  try {
    release = await lockfile.lock(stateDir, options);
  } catch (error) {
    if ((error as { code?: string }).code !== "ELOCKED") throw error;
    waiting();
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
