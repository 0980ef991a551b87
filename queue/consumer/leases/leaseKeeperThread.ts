// The lease keeper's thread. While the event loop turns, the worker renews its leases on its own connection, and this
// thread only looks. When a handler blocks the loop, or that connection is dead, it renews them on a connection of its
// own, ends the process of a handler past its time limit, and gives back what a blocked worker holds when it is to
// stop.
import { existsSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { Redis } from "ioredis";
import { leaseMember } from "../activeItem.ts";
import { backoff } from "../backoff.ts";
import { Health } from "./health.ts";
import type { FromLeaseKeeper, LeaseKeeperData } from "./leaseKeeper.ts";
import { type HeldLease, LeaseState, LeaseTable } from "./leaseTable.ts";
import { encodeFailed, encodeReleased } from "../outcome.ts";
import { encodeRequest } from "../../redis/ackAndReserve.ts";
import type { Outcome, OutcomeKind } from "../../redis/exchange.ts";
import { connect } from "../../redis/connect.ts";
import { renewLeases, renewScript } from "../../redis/renewal.ts";
import { Script } from "../../redis/script.ts";

const data = workerData as LeaseKeeperData;
const { url, tls, queue, session, leaseMs, itemTimeoutMs, drain } = data;
const leases = new LeaseTable(data.memory);
const health = new Health(leases, itemTimeoutMs);
const ackScript = new Script("ack-and-reserve", "allow-oom");

/** The event loop counts as blocked when it did not turn for this long, ms. */
const BLOCKED_MS = Math.min(2_000, leaseMs * 0.3);
/** Leases are renewed here when they were not for this share of a lease. */
const RENEW_AFTER = 0.4;
/** And then, as long as there is a connection, for this one. */
const RENEW_AGAIN_AFTER = 0.3;
/** A connection that was not needed for this long, in leases, is closed. */
const IDLE_LEASES = 10;
/** Between two looks, ms. */
const LOOK_MS = Math.min(500, leaseMs * 0.1, Math.max(50, itemTimeoutMs / 4));

const tell = (message: FromLeaseKeeper) => parentPort!.postMessage(message);
const memberOf = (lease: HeldLease) => leaseMember(session, lease);

let redis: Redis | undefined;
let neededAt = 0;
/** From then on a connection is kept: where there are too few, it is not given away again. */
let wasInTrouble = false;
let stopSeenAt: number | undefined;
/** Prefetched items that were given back here; the worker forgets them when its loop turns. */
let givenBack = new Set<string>();

/** Does something on this thread's connection, which is made when it is first needed. */
async function withRedis<T>(act: (redis: Redis) => Promise<T>): Promise<T> {
  neededAt = leases.now;
  try {
    redis ??= await connect(url, leaseMs, tls, leaseMs * 0.1);
    const connection = redis;
    // A connection that is dead without a word must not cost the leases.
    const late = setTimeout(() => connection.disconnect(true), leaseMs * 0.3);
    const answer = await act(connection).finally(() => clearTimeout(late));
    if (leases.isKeeperInTrouble) {
      leases.isKeeperInTrouble = false;
      tell({ type: "trouble" });
    }
    return answer;
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith("NOSCRIPT")) await loadScripts();
    else {
      leases.isKeeperInTrouble = wasInTrouble = true;
      // One that broke may be silent when it is made again, and nobody would see that.
      if (redis && redis.status !== "ready") {
        redis.disconnect();
        redis = undefined;
      }
      tell({ type: "trouble", why: message });
    }
    throw error;
  }
}

async function loadScripts(): Promise<void> {
  await Promise.all([ackScript.load(redis!), renewScript.load(redis!)]);
}

/** Acknowledges outcomes. Not numbered: what is acknowledged twice is stale the second time. */
async function acknowledge(outcomes: Outcome[]): Promise<void> {
  const { maxFailures, maxLosses } = data;
  const request = encodeRequest({ session, outcomes, reserve: 0, lease: leaseMs, maxLosses, maxFailures });
  await withRedis(async (redis) => {
    await loadScripts();
    await ackScript.sendRequest(redis, queue, request);
  });
}

function release(lease: HeldLease): Outcome {
  const ms = lease.startedAt > 0 ? leases.now - lease.startedAt : 0;
  return { kind: "released", id: lease.id, member: memberOf(lease), line: encodeReleased(ms) };
}

function timeOut(lease: HeldLease, reason: string): Outcome {
  const failures = lease.failures + 1;
  const kind: OutcomeKind =
    failures >= data.retry.maxAttempts
      ? { kind: "dead" }
      : { kind: "retry", delayMs: backoff(failures, data.retry.backoff) };
  return {
    ...kind,
    id: lease.id,
    member: memberOf(lease),
    line: encodeFailed("t", leases.now - lease.startedAt, reason),
  };
}

/** Ends the process, whose event loop does nothing any more. Not by `process.stderr`, which that loop would write. */
function kill(why: string): void {
  writeSync(2, `${why}\n`);
  process.kill(process.pid, "SIGKILL");
}

async function look(): Promise<void> {
  const { now } = leases;
  const isBlocked = now - leases.lastTick > BLOCKED_MS;
  const held = leases.list();
  if (drain && stopSeenAt === undefined && existsSync(drain.file)) {
    stopSeenAt = now;
    tell({ type: "stop" });
  }
  if (isBlocked) {
    const overdue = held.filter(
      ({ state, startedAt }) => state === LeaseState.inFlight && startedAt > 0 && now - startedAt > itemTimeoutMs,
    );
    if (overdue.length > 0) {
      const reason = `timed out after ${itemTimeoutMs / 1000} s with the event loop blocked; the process was killed`;
      const others = held.filter((lease) => !overdue.includes(lease));
      await acknowledge([...overdue.map((lease) => timeOut(lease, reason)), ...others.map(release)]);
      return kill(`Item ${overdue.map(({ id }) => id).join(", ")} ${reason}.`);
    }
    if (drain && stopSeenAt !== undefined && now - stopSeenAt > drain.graceMs) {
      await acknowledge(held.map(release));
      return kill("The worker was to stop while a handler blocked its event loop: its items were released.");
    }
    const waiting = held.filter((lease) => lease.state === LeaseState.prefetched && !givenBack.has(memberOf(lease)));
    if (waiting.length > 0) {
      await acknowledge(waiting.map(release));
      for (const lease of waiting) givenBack.add(memberOf(lease));
    }
  } else givenBack = new Set();

  const members = leases.renewable(session);
  const share = redis ? RENEW_AGAIN_AFTER : RENEW_AFTER;
  if (members.members.length + members.unbegun.length > 0 && now - leases.renewedAt > leaseMs * share) {
    const { gone } = await withRedis((redis) =>
      renewLeases(redis, queue, { session, lease: leaseMs, heartbeat: "", ...members }),
    );
    leases.renewedAt = now;
    if (gone.length > 0) tell({ type: "gone", members: gone });
  } else if (leases.isKeeperInTrouble) {
    // The worker reserves nothing until this works.
    await withRedis((redis) => redis.ping());
  } else if (redis && !wasInTrouble && now - neededAt > leaseMs * IDLE_LEASES) {
    redis.disconnect();
    redis = undefined;
  }
}

if (data.healthPort !== undefined) health.serve(data.healthPort);
// Whether Redis has been away for too long is decided by the worker; here it is only waited for.
for (;;) {
  health.look();
  await look().catch(() => {});
  await sleep(LOOK_MS);
}
