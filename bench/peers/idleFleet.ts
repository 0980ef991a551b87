// Idle workers, many in one process. Each makes the calls of a real one, but has no handler and no runner.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "bullmq";
import { FetchScheduler, type WorkerLoad } from "../../queue/consumer/fetchScheduler.ts";
import { Heartbeat } from "../../queue/consumer/heartbeat.ts";
import { connect } from "../../queue/index.ts";
import { QueueSession } from "../../queue/redis/queueSession.ts";
import { nothing } from "./peer.ts";

const QUEUE = "job2";
const LEASE_MS = 10_000;
/** Connections that are made at a time. */
const AT_ONCE = 50;

const IDLE: WorkerLoad = {
  freeSlots: 1,
  inFlight: 0,
  prefetched: 0,
  prefetchCapacity: 0,
  freeLeases: 1,
  unacked: 0,
  reservesNothing: false,
  onlyLooks: false,
  pace: { limit: Infinity, waitMs: 0 },
};

/** A session of its own, and its connection. */
export async function openSession(url: string, session: string): Promise<QueueSession> {
  return new QueueSession(await connect(url, 60_000), {
    queue: QUEUE,
    session,
    pod: session,
    leaseMs: LEASE_MS,
    maxLosses: 3,
    maxDowntimeMs: 60_000,
    mayGiveUp: () => true,
    onConnectionChange: () => {},
  });
}

/**
 * Starts idle workers of ours: the calls of a consumer with one slot, as its own scheduler and heartbeat make them.
 * @param onReserved Called when one of them gets an item, which it then keeps.
 * @returns `over` resolves when all of them know that the batch is over.
 */
export async function startOurs(
  url: string,
  count: number,
  onReserved: () => void,
): Promise<{ over: Promise<unknown> }> {
  const ends: Promise<void>[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, () => openIdle(url));
    for (const { session, queueSession } of await Promise.all(some)) ends.push(wait(queueSession, session, onReserved));
  }
  return { over: Promise.all(ends) };
}

async function openIdle(url: string): Promise<{ session: string; queueSession: QueueSession }> {
  const session = randomUUID().slice(0, 8);
  return { session, queueSession: await openSession(url, session) };
}

async function wait(queueSession: QueueSession, session: string, onReserved: () => void): Promise<void> {
  const scheduler = new FetchScheduler(1);
  const heartbeat = new Heartbeat(() =>
    JSON.stringify({ pod: session, node: "bench", slots: 1, startedAt: 0, done: 0, failed: 0 }),
  );
  for (;;) {
    const plan = scheduler.plan(IDLE, performance.now());
    if (!plan || "waitMs" in plan) {
      await sleep(plan?.waitMs ?? 1);
      continue;
    }
    const number = scheduler.calls.start(plan);
    const report = heartbeat.next(performance.now());
    const { count: reserve, exclusive } = plan;
    const reply = await queueSession.ackAndReserve({ number, outcomes: [], reserve, exclusive, heartbeat: report });
    const now = performance.now();
    scheduler.calls.finish(number);
    heartbeat.onReply(report, reply.heartbeatMs, now);
    if (reply.kind === "finished") return;
    if (reply.reserved.length > 0) return onReserved();
    scheduler.onReply(plan, { reserved: 0, pollMs: reply.pollMs, dueMs: reply.dueMs }, now);
  }
}

/** Starts idle workers of BullMQ. */
export async function startBullmq(url: string, count: number): Promise<void> {
  const connection = { host: "127.0.0.1", port: Number(new URL(url).port), maxRetriesPerRequest: null };
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = Array.from(
      { length: Math.min(AT_ONCE, count - first) },
      () => new Worker(QUEUE, nothing, { connection }),
    );
    for (const worker of some) worker.on("error", () => {});
    await Promise.all(some.map((worker) => worker.waitUntilReady()));
  }
}
