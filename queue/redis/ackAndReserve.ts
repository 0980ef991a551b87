// The call of ack-and-reserve.lua: what it is sent and what it answers.
import type { ReservedItem } from "../consumer/activeItem.ts";
import type { Outcome } from "../consumer/outcome.ts";
import { pack, type Packable } from "./messagePack.ts";

/** What a worker asks for. */
export interface Request {
  session: string;
  /** Higher than that of any earlier call of this session with the same parity. */
  number: number;
  outcomes: Outcome[];
  /** How many items to reserve. */
  reserve: number;
  /** Nothing else is in flight: a suspect may come, which has to run alone. */
  exclusive: boolean;
  leaseMs: number;
  maxFailures?: number | undefined;
  /** What the worker reports of itself, JSON. */
  heartbeat?: string | undefined;
}

/** What Redis answers. */
export interface Reply {
  /** `again`: the call had been made before; `old`: a later one was, and nothing was done. */
  kind: "ok" | "again" | "old" | "finished" | "aborted";
  /** Nothing was reserved; how long until there is something to do, ms. */
  waitMs: number;
  /** Members of those outcomes whose lease was lost before. */
  stale: string[];
  reserved: ReservedItem[];
}

/** The request as the script's argument. */
export function encodeRequest(request: Request): string {
  const doneIds: string[] = [];
  const doneMembers: string[] = [];
  const doneLines: string[] = [];
  const others: Packable[] = [];
  for (const outcome of request.outcomes) {
    if (outcome.kind === "done" && !outcome.log) {
      doneIds.push(String(outcome.id));
      doneMembers.push(outcome.member);
      doneLines.push(outcome.line);
    } else others.push(packableOutcome(outcome));
  }
  return pack({
    session: request.session,
    number: request.number,
    reserve: request.reserve,
    exclusive: request.exclusive,
    lease: request.leaseMs,
    maxFailures: request.maxFailures,
    heartbeat: request.heartbeat,
    doneIds,
    doneMembers,
    doneLines,
    others,
  });
}

function packableOutcome(outcome: Outcome): Packable {
  const { kind, id, member, line, log } = outcome;
  const delay = outcome.kind === "retry" ? outcome.delayMs : undefined;
  return { kind, id: String(id), member, line, delay, log: log || undefined };
}

/** The script's answer, as bytes. */
export type RawReply = [kind: Buffer, waitMs: number, stale: Buffer, firstId: number, fresh: Buffer[], ...Buffer[]];

/** The answer to the call with this number. */
export function parseReply([kind, waitMs, stale, firstId, fresh, ...others]: RawReply, call: number): Reply {
  const reserved: ReservedItem[] = fresh.map((payload, index) => ({
    id: firstId + index,
    payload,
    failures: 0,
    losses: 0,
    call,
  }));
  for (let at = 0; at < others.length; at += 4) {
    const [id, failures, losses, payload] = others.slice(at, at + 4) as [Buffer, unknown, unknown, Buffer];
    reserved.push({ id: Number(id), payload, failures: Number(failures), losses: Number(losses), call });
  }
  const members = stale.toString();
  return {
    kind: kind.toString() as Reply["kind"],
    waitMs,
    stale: members === "-" ? [] : members.split(","),
    reserved,
  };
}
