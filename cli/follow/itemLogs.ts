// Follows what items log, across attempts and pods.
import { setTimeout as sleep } from "node:timers/promises";
import { isOver, isSettled, type ItemRecord, type LogLine } from "../../queue/index.ts";
import type { LastingQueue } from "./lastingQueue.ts";
import { LogSubscription } from "./logSubscription.ts";

const LOOK_MS = 1_000;
/** Longest time until a line that a worker has sent arrives, ms. */
const PUBLISH_MS = 1_000;
/** Workers send their last lines before they leave. One that was killed counts as alive for a while. */
const LEAVE_MS = 10_000;
const LEAVE_LOOK_MS = 100;

/** The item, by its id or by its payload; all of them without either. */
export interface Wanted {
  id?: number | undefined;
  payload?: Buffer | undefined;
}

/** Listener to logs that are followed. */
export interface LogListener {
  onLine: (line: LogLine) => void;
  /** Called with an item that is settled. Nothing more comes of it. */
  onEnd: (record: ItemRecord) => void | Promise<void>;
}

/** Follows until all wanted items are settled, or the batch is over. @returns The number of items that were found. */
export async function followLogs(
  queue: LastingQueue,
  { id, payload }: Wanted,
  { onLine, onEnd }: LogListener,
): Promise<number> {
  const isAll = id === undefined && payload === undefined;
  /** Ids of wanted items: those not settled at the last look, and all. */
  const [open, found] = [new Set<number>(), new Set<number>()];
  if (id !== undefined) open.add(id);
  /** Lines of items that no look has seen yet. */
  let early: LogLine[] = [];
  let last = 0;
  const subscription = new LogSubscription((line) => {
    if (isAll || line.id === id || found.has(line.id)) onLine(line);
    else if (payload) early.push(line);
  });
  try {
    for (;;) {
      await queue.ask((current) => subscription.renew(current));
      const counts = await queue.counts();
      const settled: ItemRecord[] = [];
      await queue.ask(async ({ admin }) => {
        if (payload)
          for await (const record of admin.results(last)) {
            last = record.id;
            if (record.payload.equals(payload)) open.add(record.id);
          }
        for await (const record of admin.records([...open])) {
          found.add(record.id);
          if (!isSettled(record)) continue;
          settled.push(record);
          open.delete(record.id);
        }
      });
      for (const line of early) if (found.has(line.id)) onLine(line);
      early = [];
      const isEnd = isOver(counts) || (found.size > 0 && open.size === 0);
      if (isOver(counts)) await untilWorkersLeft(queue);
      if (settled.length > 0 || isEnd) await sleep(PUBLISH_MS);
      for (const record of settled) await onEnd(record);
      if (isEnd) return found.size;
      await sleep(LOOK_MS);
    }
  } finally {
    subscription.end();
  }
}

async function untilWorkersLeft(queue: LastingQueue): Promise<void> {
  for (const end = performance.now() + LEAVE_MS; performance.now() < end; await sleep(LEAVE_LOOK_MS))
    if ((await queue.counts()).workersAlive === 0) return;
}
