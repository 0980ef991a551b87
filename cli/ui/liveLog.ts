// The log of one item on the page of `wq ui`, as it grows.
import { setTimeout as sleep } from "node:timers/promises";
import type { LastingQueue } from "../follow/lastingQueue.ts";
import { LogSubscription } from "../follow/logSubscription.ts";
import type { LiveBatch } from "./liveBatch.ts";

/** Most lines that wait for a slow browser; further ones are left out. */
const MAX_LINES = 2_000;
const LOG_MS = 250;

/** The lines that an item logs from now on, several at a time. */
export async function* liveLog(
  lasting: LastingQueue,
  batch: LiveBatch,
  id: number,
  isOver: () => boolean,
): AsyncGenerator<string[]> {
  let lines: string[] = [];
  const subscription = new LogSubscription((line) => {
    if (line.id === id && lines.length < MAX_LINES) lines.push(line.line);
  });
  try {
    for (; !isOver(); await sleep(LOG_MS)) {
      // The page says that Redis is away.
      await subscription.renew(lasting.current, batch).catch(() => {});
      const some = lines;
      lines = [];
      if (some.length > 0) yield some;
    }
  } finally {
    subscription.end();
  }
}
