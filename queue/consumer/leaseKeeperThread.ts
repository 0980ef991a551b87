// The renewal thread: keeps the leases of what is in hand, with a connection of its own, so that a handler that blocks the event loop keeps its item;
// and ends the process when such a handler is past its time, which nothing else can.
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { backoff } from "./backoff.ts";
import { connect } from "../redis/connect.ts";
import type { FromLeaseKeeper, LeaseKeeperData, ToLeaseKeeper } from "./leaseKeeper.ts";
import { Script } from "../redis/script.ts";
import { encodeRequest } from "../redis/ackAndReserve.ts";
import { encodeFailed, encodeReleased, type Outcome, type OutcomeKind } from "./outcome.ts";
import { type HeldLease, LeaseTable } from "./leaseTable.ts";

const data = workerData as LeaseKeeperData;
const { url, queue, session, leaseMs, itemTimeoutMs, retry, maxFailures } = data;
const slots = new LeaseTable(data.memory);
const renew = new Script("renew");
const ackOnly = new Script("ack-and-reserve", "allow-oom");
/** The event loop counts as blocked when it did not turn for so long, ms. */
const BLOCKED_MS = 2_000;
const member = (item: HeldLease) => `${item.id}:${session}.${item.call}`;

let heartbeat = "";
parentPort!.on("message", (message: ToLeaseKeeper) => (heartbeat = message.heartbeat));

/** Settles the items that are past their time, releases their neighbours, and kills the process. */
async function end(
  overdue: HeldLease[],
  others: HeldLease[],
  redis: Awaited<ReturnType<typeof connect>>,
): Promise<void> {
  const reason = `timed out after ${itemTimeoutMs / 1000} s with the event loop blocked; the process was killed`;
  const ms = ({ startedAt }: HeldLease) => slots.now - startedAt;
  const timedOut = overdue.map((item): Outcome => {
    const failures = item.failures + 1;
    const kind: OutcomeKind =
      failures >= retry.maxAttempts ? { kind: "dead" } : { kind: "retry", delayMs: backoff(failures, retry.backoff) };
    return { ...kind, id: item.id, member: member(item), line: encodeFailed("t", ms(item), reason) };
  });
  const released = others.map((item): Outcome => {
    return { kind: "released", id: item.id, member: member(item), line: encodeReleased(ms(item)) };
  });
  const request = encodeRequest({
    session: `${session}!`,
    number: 1,
    outcomes: [...timedOut, ...released],
    reserve: 0,
    exclusive: false,
    leaseMs,
    maxFailures,
  });
  await ackOnly.load(redis);
  await ackOnly.sendRequest(redis, queue, request);
  // Not by process.stderr, which the blocked thread would have to write.
  writeSync(2, `Item ${overdue.map(({ id }) => id).join(", ")} ${reason}.\n`);
  process.kill(process.pid, "SIGKILL");
}

async function tick(redis: Awaited<ReturnType<typeof connect>>): Promise<void> {
  const { now } = slots;
  const inHand = slots.all();
  const blocked = now - slots.lastTick > BLOCKED_MS;
  const overdue = blocked ? inHand.filter(({ startedAt }) => now - startedAt > itemTimeoutMs) : [];
  if (overdue.length > 0)
    return end(
      overdue,
      inHand.filter((item) => !overdue.includes(item)),
      redis,
    );
  if (inHand.length === 0 && !heartbeat) return;
  // A connection that is dead without a word must not cost the leases.
  const late = setTimeout(() => redis.disconnect(true), leaseMs * 0.3);
  const renewed = renew.run(redis, queue, leaseMs, session, heartbeat, ...inHand.map(member));
  const gone = (await renewed.finally(() => clearTimeout(late))) as string[];
  if (gone.length > 0) parentPort!.postMessage({ gone } satisfies FromLeaseKeeper);
}

// Whether Redis has been away for too long is decided by the main thread; here it is only waited for.
let redis: Awaited<ReturnType<typeof connect>> | undefined;
for (;;) {
  try {
    redis ??= await connect(url, 3_600_000);
    await tick(redis);
    await sleep(Math.min(leaseMs * 0.2, Math.max(50, itemTimeoutMs / 4)));
  } catch {
    await sleep(leaseMs * 0.05);
  }
}
