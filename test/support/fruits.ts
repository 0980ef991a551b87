import { join } from "node:path";
import { execa } from "execa";
import type { ResultRow } from "../../queue/index.ts";
import { Consumer, DoNotRetry, Seeder } from "../../queue/index.ts";

export const fruits = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"];
const root = join(import.meta.dirname, "../..");

/** Nine fruits through the real queue: banana is dead at once, fig after two attempts, date is done at its second. */
export async function runFruits(url: string): Promise<void> {
  await new Seeder({ url, queue: "job2" }).seed(fruits, { owner: "fruit/dev", run: "1", seedId: "1" });
  const consumer = new Consumer({
    url,
    queue: "job2",
    concurrency: 2,
    leaseMs: 10_000,
    itemTimeoutMs: 60_000,
    maxResultBytes: 1000,
    retry: { maxAttempts: 2, backoff: { min: 1, max: 1 } },
    keepResults: "all",
    keepLogs: "failed",
    maxLosses: 3,
    pod: "pod-1",
    node: "node-1",
    handler: (item, { attempt, log }) => {
      log(`saw ${item}`);
      if (item === "banana") throw new DoNotRetry("slipped on banana");
      if (item === "fig" || (item === "date" && attempt === 1)) throw new Error(`${item} is not ripe`);
      return { length: item.length };
    },
  });
  await consumer.run();
}

/** The command `wq` of this checkout, to be run by Node.js. */
export const wqScript = join(root, "cli/wq.mjs");

/** Runs a verb of `wq` on a Redis. */
export function wq(url: string, ...args: string[]) {
  return execa(process.execPath, [wqScript, ...args], { reject: false, env: { WQ_REDIS_URL: url } });
}

/** The rows of `results`. */
export const ndjson = (text: string): ResultRow[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ResultRow);
