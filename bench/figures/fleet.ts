import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { QueueAdmin } from "../../queue/index.ts";
import { type Bench, clean, type Figure, figure, start, text } from "../measure.ts";
import { openSession } from "../peers/idleFleet.ts";
import { holdItem } from "./holdItem.ts";

const SIZES = [100, 1_000, 3_000];
/** Workers per process. */
const PER_PROCESS = 1_000;
const WINDOW_MS = 10_000;
const SETTLE_MS = 15_000;
const MIN_SETTLE_MS = 4_000;

/** Limits for a fleet of any size: its cost, and the time until a pushed item is begun. */
const MOST = { calls: 300, cpu: 5, logKiB: 10, ping: 5, pushedMs: 2_000 };

/** The load of idle workers on Redis. */
interface Cost {
  /** Calls of the workers per second. */
  calls: number;
  /** Percent of a core. */
  cpu: number;
  /** Growth of the log, KiB/s. */
  logKiB: number;
  /** 99th percentile of another client's PING, ms. */
  ping: number;
}

/** Cost of 100, 1,000 and 3,000 workers that wait for one long item: running, paused, and as many of BullMQ. */
export async function fleet(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of SIZES.map((size) => Math.ceil(size * bench.scale))) {
    const ours = await costOfOurs(bench, size);
    const bullmq = await costOfBullmq(bench, size);
    const of = (name: string, field: keyof Cost, unit: string) => [
      atMost(`${name}, ${text(size)} idle workers`, ours.open[field], unit, MOST[field], bullmq[field]),
      figure(`${name}, ${text(size)} paused`, ours.paused[field], unit),
    ];
    figures.push(
      ...of("calls", "calls", "/s"),
      ...of("CPU of Redis", "cpu", "%"),
      ...of("growth of its log", "logKiB", "KiB/s"),
      ...of("another's PING, p99", "ping", "ms"),
      atMost(`pushed to ${text(size)} idle workers until begun`, ours.pushedMs, "ms", MOST.pushedMs),
    );
  }
  return figures;
}

/** A figure with an upper limit. */
function atMost(name: string, value: number, unit: string, most: number, bullmq?: number): Figure {
  const against = bullmq === undefined ? `at most ${text(most)}` : `at most ${text(most)}; BullMQ ${text(bullmq)}`;
  return figure(name, value, unit, { with: against, ratio: most / Math.max(value, 0.01), floor: 1 });
}

async function costOfOurs(bench: Bench, size: number): Promise<{ open: Cost; paused: Cost; pushedMs: number }> {
  bench.say(`${size} idle workers`);
  await clean(bench);
  const { redis, client } = bench;
  await client.rpush("job2", "long");
  const holder = await holdItem(await openSession(redis.url, "holder"));
  const children = await startChildren(bench, "ours", size);
  try {
    await settle(bench);
    const open = await costOf(bench);
    const admin = new QueueAdmin(client, "job2");
    await admin.pause();
    await settle(bench);
    const paused = await costOf(bench);
    await admin.resume();
    await settle(bench);
    const begun = Promise.race(children.map((child) => once(child, "message")));
    const pushedAt = Date.now();
    await client.rpush("job2", "short");
    const [{ result }] = (await begun) as [{ result: number }];
    return { open, paused, pushedMs: result - pushedAt };
  } finally {
    holder.stop();
    for (const child of children) child.kill("SIGKILL");
  }
}

async function costOfBullmq(bench: Bench, size: number): Promise<Cost> {
  bench.say(`${size} idle workers of BullMQ`);
  await clean(bench);
  const children = await startChildren(bench, "bullmq", size);
  try {
    await settle(bench);
    return await costOf(bench);
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** Waits until the workers' intervals between calls have settled. */
async function settle({ scale }: Bench): Promise<void> {
  await sleep(Math.max(MIN_SETTLE_MS, SETTLE_MS * scale));
}

/** Starts processes, and returns when all their workers are idle. */
async function startChildren({ redis }: Bench, peer: "ours" | "bullmq", size: number): Promise<ChildProcess[]> {
  const children: ChildProcess[] = [];
  for (let left = size; left > 0; left -= PER_PROCESS) {
    const { child, answer } = start({ do: "idle", peer, url: redis.url, count: Math.min(left, PER_PROCESS) });
    children.push(child);
    await answer();
  }
  return children;
}

async function costOf({ client }: Bench): Promise<Cost> {
  const look = async () => {
    const info = await client.info("all");
    const number = (field: string) => Number(new RegExp(`^${field}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
    // A worker's own calls: scripts, and the blocking pop of BullMQ.
    const calls = [...info.matchAll(/^cmdstat_(?:evalsha|bzpopmin):calls=(\d+)/gm)];
    return {
      at: performance.now(),
      calls: calls.reduce((sum, [, count]) => sum + Number(count), 0),
      cpu: number("used_cpu_user") + number("used_cpu_sys"),
      log: number("aof_current_size"),
    };
  };
  const pings: number[] = [];
  const before = await look();
  for (const end = performance.now() + WINDOW_MS; performance.now() < end; await sleep(5)) {
    const sent = performance.now();
    await client.ping();
    pings.push(performance.now() - sent);
  }
  const after = await look();
  const seconds = (after.at - before.at) / 1000;
  return {
    calls: (after.calls - before.calls) / seconds,
    cpu: (100 * (after.cpu - before.cpu)) / seconds,
    logKiB: Math.max(0, after.log - before.log) / 1024 / seconds,
    ping: pings.toSorted((a, b) => a - b)[Math.floor(pings.length * 0.99)]!,
  };
}
