import type { Redis } from "ioredis";
import { keys } from "../redis/keys.ts";
import type { WorkerInfo } from "../types.ts";
import { readMembers } from "./members.ts";
import { parseRecord } from "../redis/record.ts";
import { readRecords } from "../redis/recordReader.ts";
import { readSessions } from "./workerInfo.ts";

/** Bytes of a payload that tell which item it is. */
const MAX_PAYLOAD = 1_000;
/** Leases read at a time. */
const PAGE = 1_000;

/** The workers that are alive or hold items, by when they started. */
export async function readWorkers(redis: Redis, queue: string): Promise<WorkerInfo[]> {
  const k = keys(queue);
  const [seconds, micros] = await redis.time();
  const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  /** Until when each of them counts as alive. */
  const promises = new Map<string, number>();
  for await (const page of readMembers(redis, k.alive, `(${now}`))
    for (const { member, score } of page) promises.set(member, score);
  const leases = await readLeases(redis, k.leases);
  const infos = new Map<string, WorkerInfo>();
  for (const [session, row] of await readSessions(redis, k, [...new Set([...leases.values(), ...promises.keys()])])) {
    const promise = promises.get(session);
    const heard = promise === undefined ? 0 : Math.min(now, promise - 3 * heartbeatMs(promises.size));
    infos.set(session, {
      session,
      ...row,
      lastSeen: Math.max(row.lastSeen, heard),
      alive: promise !== undefined,
      inFlight: [],
    });
  }
  for await (const page of readRecords(redis, queue, leases.keys(), { maxPayload: MAX_PAYLOAD })) {
    for (const { id, bytes, isSettled } of page) {
      const { payload, lease } = parseRecord(id, bytes, isSettled);
      if (lease) infos.get(lease.session)?.inFlight.push({ id, payload, since: lease.since });
    }
  }
  return [...infos.values()].sort((a, b) => a.startedAt - b.startedAt);
}

/** Number of workers that hold items. */
export async function countBusy(redis: Redis, queue: string): Promise<number> {
  return new Set((await readLeases(redis, keys(queue).leases)).values()).size;
}

/**
 * Time between two heartbeats of this many workers (scripts/includes/heartbeat.lua): they are alive for three times as
 * long.
 */
function heartbeatMs(workers: number): number {
  let every = 1_000;
  while (every < workers * 20 && every < 64_000) every *= 2;
  return every;
}

/** Sessions by the id of what they hold. Their order changes with every renewal, so this scans. */
async function readLeases(redis: Redis, key: string): Promise<Map<number, string>> {
  const leases = new Map<number, string>();
  for (let cursor = "0", first = true; first || cursor !== "0"; first = false) {
    const [next, found] = await redis.zscan(key, cursor, "COUNT", PAGE);
    for (let at = 0; at < found.length; at += 2) {
      const [, id, session] = /^(\d+):([^.]+)/.exec(found[at]!) ?? [];
      if (session !== undefined) leases.set(Number(id), session);
    }
    cursor = next;
  }
  return leases;
}
