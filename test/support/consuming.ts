import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";
import { keys } from "../../queue/redis/keys.ts";
import type { ConsumerOptions } from "../../queue/types.ts";

const k = keys("job2");
/** Processes that are killed when the tests end. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** An event as the child prints it. */
export interface ChildEvent {
  type: string;
  id?: number;
  payload?: string;
  attempt?: number;
  why?: string;
  up?: boolean;
  ok?: boolean;
  end?: string;
}

/** Options of a consumer for tests: a lease of 1 s, no waiting between attempts. */
export const quick = (url: string): Omit<ConsumerOptions, "handler"> => ({
  url,
  queue: "job2",
  concurrency: 1,
  maxLosses: 3,
  leaseMs: 1_000,
  itemTimeoutMs: 60_000,
  retry: { maxAttempts: 3, backoff: { min: 1, max: 1 } },
  maxResultBytes: 1_000,
  keepResults: "all",
  keepLogs: "failed",
  pod: "pod-1",
  node: "node-1",
});

/** Options of a consumer; `graceMs`: time for items in flight at SIGTERM; `sick`: a deed that is done to every item. */
export type ChildOptions = Partial<ConsumerOptions> & { graceMs?: number; sick?: string };

/** A consumer in a process of its own. */
export interface Child {
  events: ChildEvent[];
  /** The first event that matches, past or future; undefined if the process ends without one. */
  saw(wanted: (event: ChildEvent) => boolean): Promise<ChildEvent | undefined>;
  signal(signal: NodeJS.Signals): void;
  /** Its end. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts one: test/support/consumerChild.ts. */
export function startConsumer(url: string, options: ChildOptions = {}): Child {
  const file = fileURLToPath(new URL("consumerChild.ts", import.meta.url));
  const given = JSON.stringify({ graceMs: 0, ...quick(url), ...options });
  const child = spawn(process.execPath, [file, given], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const events: ChildEvent[] = [];
  const waiting = new Set<() => void>();
  let stderr = "";
  let over = false;
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  /** A line that is not JSON: a process that is killed while it prints leaves half a line. */
  let half: string | undefined;
  const lines = createInterface(child.stdout).on("line", (line) => {
    assert.equal(half, undefined);
    try {
      events.push(JSON.parse(line) as ChildEvent);
    } catch {
      half = line;
    }
    for (const look of waiting) look();
  });
  const ended = Promise.all([once(child, "close"), once(lines, "close")]).then(([[code, signal]]) => {
    running.delete(child);
    if (signal === null) assert.equal(half, undefined);
    over = true;
    for (const look of waiting) look();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stderr };
  });
  return {
    events,
    ended,
    signal: (signal) => void child.kill(signal),
    saw: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const found = events.find(wanted);
          if (!found && !over) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Subtracts this many ms from every time that the queue noted. */
const PASS = `
  local batch, items, ms = KEYS[1], KEYS[2], ARGV[1]
  local function earlier(time)
    return string.format('%d', time - ms)
  end
  for _, id in ipairs(redis.call('HKEYS', items)) do
    local record = redis.call('HGET', items, id)
    local before, reserved, after = record:match('^(%d+ %d+ )(%d+)()')
    if reserved then redis.call('HSET', items, id, before .. earlier(reserved) .. record:sub(after)) end
  end
  for i = 3, #KEYS do
    for _, member in ipairs(redis.call('ZRANGE', KEYS[i], 0, -1)) do redis.call('ZINCRBY', KEYS[i], -ms, member) end
  end
  for _, field in ipairs({ 'lastHeartbeat', 'reclaimAfter', 'vanishedAt', 'vanishedFirst' }) do
    if tonumber(redis.call('HGET', batch, field) or 0) > 0 then redis.call('HINCRBY', batch, field, -ms) end
  end`;

/**
 * Makes time pass for the queue, while no worker is heard (docs/queue/timing.md). With a negative time, its clock goes
 * back.
 */
export async function pass(redis: Redis, ms: number): Promise<void> {
  const times = [k.leases, k.delayed, k.suspects, k.alive, k.failing];
  await redis.eval(PASS, 2 + times.length, k.batch, k.items, ...times, Math.round(ms));
}
