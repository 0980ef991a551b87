import type { Redis } from "ioredis";
import { pack } from "./messagePack.ts";
import { Script } from "./script.ts";

/** Request of a worker to renew.lua. */
export interface RenewalRequest {
  session: string;
  /** ms. */
  lease: number;
  /** Time since a call last got through, ms. */
  waited?: number;
  /** The worker's report, JSON; empty if nothing changed; absent when none is due. */
  heartbeat?: string | undefined;
  /** Leases to extend, of items that were begun, and of those that were not. */
  members: string[];
  unbegun?: string[];
}

/** The answer. */
export interface Renewal {
  /** Members whose lease is gone. */
  gone: string[];
  /** State of the batch; empty if there is none. */
  state: string;
  /** Time until the next heartbeat, if one was sent, ms. */
  heartbeatMs: number;
}

export const renewScript = new Script("renew");

/** Extends leases and takes a heartbeat. */
export async function renewLeases(redis: Redis, queue: string, request: RenewalRequest): Promise<Renewal> {
  const reply = await renewScript.sendRequest(redis, queue, pack({ ...request }));
  const [gone, state, heartbeatMs] = reply as [Buffer[], Buffer, number];
  return { gone: gone.map(String), state: state.toString(), heartbeatMs };
}
