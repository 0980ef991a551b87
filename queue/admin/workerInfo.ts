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
 * Parses `heard SP json` (docs/queue/keys.md). Missing parts are empty or 0: half a worker is better than an error.
 */
function parseWorker(text: string): WorkerFields {
  const space = text.indexOf(" ");
  const reported = JSON.parse(space < 0 ? "{}" : text.slice(space + 1)) as Partial<WorkerFields>;
  return {
    pod: "",
    node: "",
    slots: 0,
    startedAt: 0,
    done: 0,
    failed: 0,
    ...reported,
    lastSeen: Number(space < 0 ? text : text.slice(0, space)),
  };
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

  /** Asks for those that are not known. One that left nothing is named by itself. */
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
