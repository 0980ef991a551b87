// Content of a worker's calls, there and back.

/** An item as a call to Redis brought it. */
export interface ReservedItem {
  id: number;
  payload: Buffer;
  failures: number;
  losses: number;
  /** Redis is told before it is begun: a worker vanished with it. */
  isTold: boolean;
  /** Nothing may run beside it: it may be what ended workers. */
  runsAlone: boolean;
  /** Number of that call. */
  call: number;
  /** End of its lease if it is not renewed, ms by Redis. */
  deadline: number;
  /** A sample: it came from anywhere in the list, to a slow worker. */
  isSample?: boolean;
}

/** End of an attempt, in the words of ack-and-reserve.lua. */
export type Outcome = {
  id: number;
  /** Its lease: a member of `leases`. */
  member: string;
  /** The line that goes on top of its record. */
  line: string;
  /** The tail of its log, if it is kept. */
  log?: string | undefined;
  /** The row of its lease in the worker's table, until Redis has answered. */
  row?: number;
  /** Bytes that a script moves for it: its payload, line and log. */
  bytes?: number;
} & OutcomeKind;

/**
 * `retry`: it failed and is tried again; `dead`: it failed for good; `later`: it was put off; `released`: it
 * was given back unfinished; `lost`: it is one of several that may have broken the process.
 */
export type OutcomeKind =
  | { kind: "done" }
  | { kind: "retry"; delayMs: number }
  | { kind: "dead" }
  | { kind: "later"; delayMs: number }
  | { kind: "released" }
  | { kind: "lost" };

/** Report of a slow worker, with each call (scripts/includes/judge.lua). Times are ms. */
export interface FailureReport {
  /**
   * Failures in a row; since when, less the time in which another worker may still load; the longest of them; the
   * reason of the last one.
   */
  failures: number;
  forMs: number;
  longestMs: number;
  reason: string;
  /** Slow attempts since then; samples among them (items from anywhere in the list); samples not reported yet. */
  tries: number;
  samples: number;
  newSamples: number;
  /** Items of the batch that were done when this was reported first. */
  doneBefore?: number | undefined;
  failedBefore?: number | undefined;
}

/** Progress of a batch: items that are done, attempts that failed. */
export interface Progress {
  done: number;
  failed: number;
}

/** Judgement of Redis: go on slowly; at full speed, since items fail everywhere; stop, since only this worker fails. */
export type Judgement = "slow" | "free" | "sick";
