// The call of ack-and-reserve.lua: what it is sent and what it answers.
import { durationIncrements } from "../durations.ts";
import type { FailureReport, Judgement, Outcome, Progress, ReservedItem } from "./callContent.ts";
import { pack, type Packable } from "./messagePack.ts";

/** Request of a worker. Times are ms. */
export interface Request {
  session: string;
  /** Distinguishes workers also when their processes are restarted. */
  pod?: string | undefined;
  /**
   * Higher than that of any earlier call of this session with the same parity; absent in a call that reserves nothing
   * and is made only once.
   */
  number?: number;
  /** It was sent before, and perhaps received. */
  isResent?: boolean;
  outcomes: Outcome[];
  /** Number of items to reserve. */
  reserve: number;
  /** Nothing else is in flight: a suspect may come, which has to run alone. */
  exclusive?: boolean;
  /** The items of this worker fail one after the other; they no longer do. */
  failing?: FailureReport | undefined;
  recovered?: boolean;
  /** Reserve one item from anywhere in the list, to see if the items are at fault. */
  sample?: boolean;
  /** The batch ends when nothing succeeds. */
  mayAbort?: boolean;
  /** Longest payload seen of late, bytes. */
  largest?: number;
  lease: number;
  /** Time since a call last got through. */
  waited?: number;
  /** Losses that make an item dead. */
  maxLosses: number;
  maxFailures?: number | undefined;
  /** Logs of failed attempts stay when the item is done. */
  keepLogs?: boolean;
  /** The worker's report, JSON; empty if nothing changed. */
  heartbeat?: string | undefined;
}

/** Answer of Redis. */
export interface Reply {
  /** `again`: the call had been made before; `old`: a later one was, and nothing was done. */
  kind: "ok" | "again" | "old" | "finished" | "aborted";
  /** Nothing was reserved: how long an idle worker waits before its next call. */
  pollMs: number;
  /** Nothing was reserved: how long until something is due, as far as is known; below 0 if nothing is. */
  dueMs: number;
  /** Time until the next heartbeat, if one was sent. */
  heartbeatMs: number;
  /** Members of those outcomes whose lease was lost before. */
  stale: string[];
  reserved: ReservedItem[];
  /** Judgement on a worker whose items fail, and what the whole batch has done meanwhile. */
  judgement?: Judgement | undefined;
  progress: Progress;
}

/** The request as the script's argument. */
export function encodeRequest({ outcomes, ...request }: Request): string {
  const doneIds: string[] = [];
  const doneMembers: string[] = [];
  const doneLines: string[] = [];
  const others: Packable[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === "done" && !outcome.log) {
      doneIds.push(String(outcome.id));
      doneMembers.push(outcome.member);
      doneLines.push(outcome.line);
    } else others.push(packableOutcome(outcome));
  }
  const durations = durationIncrements(outcomes);
  return pack({
    ...(request as Omit<Request, "outcomes" | "failing">),
    failing: request.failing && { ...request.failing },
    doneIds,
    doneMembers,
    doneLines,
    others,
    durations,
  });
}

function packableOutcome(outcome: Outcome): Packable {
  const { kind, id, member, line, log } = outcome;
  const delay = "delayMs" in outcome ? outcome.delayMs : undefined;
  return { kind, id: String(id), member, line, delay, log: log || undefined };
}

/** The script's answer, as bytes. */
export type RawReply = [
  kind: Buffer,
  pollMs: number,
  dueMs: number,
  heartbeatMs: number,
  stale: Buffer,
  firstId: number,
  fresh: Buffer[],
  again: Buffer[],
  judgement: Buffer,
  done: number,
  failed: number,
  deadline: number,
];

/** The answer to the call with this number. */
export function parseReply(reply: RawReply, call: number): Reply {
  const [kind, pollMs, dueMs, heartbeatMs, stale, firstId, fresh, again, judgement, done, failed, deadline] = reply;
  const reserved: ReservedItem[] = fresh.map((payload, index) => ({
    id: firstId + index,
    payload,
    failures: 0,
    losses: 0,
    isTold: false,
    runsAlone: false,
    call,
    deadline,
  }));
  for (let at = 0; at < again.length; at += 5) {
    const [id, failures, losses, care, payload] = again.slice(at, at + 5) as [Buffer, number, number, number, Buffer];
    const how = { isTold: care > 0, runsAlone: care > 1 };
    reserved.push({ id: Number(id), payload, failures, losses, ...how, call, deadline });
  }
  const members = stale.toString();
  return {
    kind: kind.toString() as Reply["kind"],
    pollMs,
    dueMs,
    heartbeatMs,
    stale: members === "-" ? [] : members.split(","),
    reserved,
    judgement: judgement.toString() === "-" ? undefined : (judgement.toString() as Judgement),
    progress: { done, failed },
  };
}
