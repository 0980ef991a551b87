import type { Redis } from "ioredis";
import type { Keys } from "../redis/keys.ts";
import type { WorkerInfo } from "../types.ts";
import type { Origin } from "../redis/record.ts";

/** A field of `workers`: the part of {@link WorkerInfo} that stands nowhere else. */
export type WorkerFields = Omit<WorkerInfo, "session" | "inFlight" | "alive">;

/** Sessions asked for at a time. */
const PAGE = 1_000;
/** Origins that are remembered, so that a walk through many records asks for each session about once. */
const MAX_ORIGINS = 10_000;

/**
 * Parses `heard SP json` (docs/queue/keys.md). Parts that are missing or of another type are empty or 0: half a worker
 * is better than an error, and whoever has the password may write anything.
 */
function parseWorker(text: string): WorkerFields {
  const [heard = "", ...json] = text.split(" ");
  const reported = fieldsOf(json.join(" "));
  const word = (name: string) => (typeof reported[name] === "string" ? reported[name] : "");
  const number = (name: string) => (Number.isFinite(reported[name]) ? Number(reported[name]) : 0);
  return {
    pod: word("pod"),
    node: word("node"),
    slots: number("slots"),
    startedAt: number("startedAt"),
    done: number("done"),
    failed: number("failed"),
    lastSeen: Number(heard) || 0,
  };
}

function fieldsOf(json: string): Record<string, unknown> {
  try {
    return { ...(JSON.parse(json) as object) };
  } catch {
    return {};
  }
}

/** The reports of these sessions; sessions that left nothing are missing. */
export async function readSessions(redis: Redis, keys: Keys, sessions: string[]): Promise<Map<string, WorkerFields>> {
  const found = new Map<string, WorkerFields>();
  for (let first = 0; first < sessions.length; first += PAGE) {
    const page = sessions.slice(first, first + PAGE);
    const rows = await redis.hmget(keys.workers, ...page);
    for (const [index, row] of rows.entries()) if (row) found.set(page[index]!, parseWorker(row));
  }
  return found;
}

/** Places of sessions. */
export class Origins {
  readonly #redis: Redis;
  readonly #keys: Keys;
  readonly #known = new Map<string, Origin>();

  constructor(redis: Redis, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Reads those that are not known yet. A session that left nothing behind goes by its own name. */
  async learn(sessions: Iterable<string>): Promise<void> {
    if (this.#known.size > MAX_ORIGINS) this.#known.clear();
    const unknown = [...new Set(sessions)].filter((session) => !this.#known.has(session));
    if (unknown.length === 0) return;
    const rows = await readSessions(this.#redis, this.#keys, unknown);
    for (const session of unknown) {
      const row = rows.get(session);
      this.#known.set(session, row ? { pod: row.pod, node: row.node } : { pod: session });
    }
  }

  of(session: string): Origin {
    return this.#known.get(session) ?? { pod: session };
  }
}
