/**
 * Types of the queue's parts and of its users. The promises behind them: queue/README.md.
 */

/** State of the whole batch. `seeding` and `paused` stop all takes; `aborted` and `finished` are ends. */
export type BatchState = "seeding" | "open" | "paused" | "aborted" | "finished";

/**
 * One atomic read of a batch. waiting + running + delayed + done + dead = total, if nothing was filled by hand
 * behind our back.
 */
export interface Counts {
  state: BatchState;
  /** Reason why it was aborted, one line. */
  reason?: string;
  /** `project/stack` of the seeder, empty for a list filled by hand. */
  owner: string;
  /** Items known: seeded or, for a list filled by hand, taken so far plus what waits. */
  total: number;
  waiting: number;
  /** Items with a lease. */
  running: number;
  /** Items that wait for another attempt; and how many of these are suspects, which run alone. */
  delayed: number;
  suspects: number;
  /** Delayed items that may run again within 10 s. */
  dueSoon: number;
  done: number;
  dead: number;
  /** Attempts that ended by a lost lease, and attempts that failed and were retried, over the whole batch. */
  lost: number;
  retried: number;
  /** Items that left the list by another hand than this queue's. */
  external: number;
  /** Start and end in ms since the epoch by the clock of Redis; 0 while there is none. */
  startedAt: number;
  endedAt: number;
  /** Worker processes that were heard of late. */
  workersAlive: number;
  /** Time when the first delayed item may be reserved, ms by Redis; 0 while there is none. */
  nextDueAt: number;
  /** The clock of Redis at the moment of the read, ms. */
  now: number;
}

/** A queue among those of a Redis. */
export interface QueueSummary {
  queue: string;
  counts: Counts;
  /** Memory of its keys, estimated by Redis; absent if Redis does not let us ask. */
  memoryBytes?: number;
}

/** Outcome of a purge: the queue is gone with its items; there is none of this name; or it is in use, and stays. */
export type PurgeResult =
  | { outcome: "purged"; items: number }
  | { outcome: "unknown" }
  | { outcome: "inUse"; running: number; seeding: boolean };

/** The end of one attempt at an item. */
export type AttemptOutcome = "done" | "failed" | "timeout" | "lost" | "released";

/** One attempt: who, when (ms by Redis), and why it ended. */
export interface Attempt {
  pod: string;
  node?: string;
  start: number;
  end: number;
  outcome: AttemptOutcome;
  /** One line, with the stack below it if there is one. */
  error?: string;
}

/** An item that was given to a worker: what `results` prints. */
export interface ItemRecord {
  id: number;
  payload: Buffer;
  outcome: "done" | "dead" | "running" | "delayed";
  /** The handler's or command's result as JSON text, cut at `maxResultBytes`; absent if there is none. */
  value?: string;
  /** The value was longer than `maxResultBytes` and is only its beginning. */
  truncated?: boolean;
  /** Reason of its death, or of its last return. */
  reason?: string;
  attempts: Attempt[];
}

/** A worker process as it last spoke. */
export interface WorkerInfo {
  session: string;
  pod: string;
  node: string;
  slots: number;
  /** ms by Redis, about. */
  lastSeen: number;
  /** It reports as often as it was told to. */
  alive: boolean;
  startedAt: number;
  done: number;
  failed: number;
  /** Items in flight: id, the beginning of the payload, since when (ms by Redis). */
  inFlight: { id: number; payload: Buffer; since: number }[];
}

/** A line that an item logged. */
export interface LogLine {
  id: number;
  /** Its text, as `results` has it; of a long one the beginning. */
  item: string;
  pod: string;
  /** By the worker's clock, ms. */
  at: number;
  line: string;
}

/** The handler's second argument. */
export interface ItemContext {
  /** The item's number in the order in which items were first given, from 1. */
  id: number;
  /** 1 for the first attempt. */
  attempt: number;
  /** Aborts at the item's time limit, at shutdown, and when the lease was lost. */
  signal: AbortSignal;
  /** The item's exact bytes, if they are not UTF-8 text. */
  bytes: Buffer;
  /** A line for the log of this item. */
  log: (line: string) => void;
  /** Notes the share of the item that is done, from 0 to 1: `40 %` in its log, once for each percent. */
  progress: (share: number) => void;
}

/** The user's function: what it returns is the item's result; what it throws fails the attempt. */
export type Handler = (item: string, context: ItemContext) => unknown;

/** Rules for another attempt at an item. */
export interface RetryPolicy {
  /** Attempts that may fail before the item is dead, from 1. */
  maxAttempts: number;
  /** The wait after the first failure, and the longest, in ms; doubled in between, with jitter. */
  backoff: { min: number; max: number };
}

/** Options of {@link Consumer}. */
export interface ConsumerOptions {
  /** `redis://` or `rediss://`, with its password if it has one. */
  url: string;
  /** For `rediss://`, what the system's own certificate authorities do not say. */
  tls?: { ca?: string; servername?: string };
  /** Name of the list. */
  queue: string;
  handler: Handler;
  /** Items in flight at a time, from 1. */
  concurrency: number;
  retry: RetryPolicy;
  /** An item runs again within this time after its worker vanished, ms. */
  leaseMs: number;
  /** Time limit of one attempt, ms. */
  itemTimeoutMs: number;
  /** The batch is aborted when more items than this are dead. */
  maxFailures?: number;
  /** Attempts that may be lost with their worker before the item is dead, from 1. */
  maxLosses: number;
  /** The batch is aborted when the first attempts all fail, everywhere. Default: true. */
  abortWhenNothingSucceeds?: boolean;
  /** Time in which this worker was made ready, ms. Another one may still need as long, and succeed. Default: 0. */
  loadMs?: number;
  /** Longer results are cut, bytes; at most `MAX_RESULT_BYTES`. */
  maxResultBytes: number;
  keepResults: "all" | "failed";
  keepLogs: "failed" | "all";
  pod: string;
  node: string;
  /** A process that holds nothing gives up when Redis is away for longer, ms. Default: 60,000. */
  maxDowntimeMs?: number;
  /**
   * For a handler that hands items to other processes, and ends these by itself: how many items they can work on now.
   * No more are reserved, and none is given up before its handler's promise is settled.
   */
  readySlots?: (() => number) | undefined;
  /** Called with each event, for the log. */
  onEvent?: (event: ConsumerEvent) => void;
}

/** Events of a consumer, for its log. */
export type ConsumerEvent =
  | { type: "started"; session: string; empty: boolean }
  | { type: "working"; id: number; payload: Buffer; attempt: number }
  | { type: "done"; id: number; payload: Buffer; ms: number }
  | { type: "failed"; id: number; payload: Buffer; attempt: number; why: string; retryInMs?: number }
  /** Its handler put it off (`TryLater`). */
  | { type: "later"; id: number; payload: Buffer; retryInMs: number }
  | { type: "stale"; id: number }
  /** An item that had ended before threw an error that no promise carries. */
  | { type: "stray"; id: number; payload: Buffer; why: string }
  | { type: "log"; id: number; payload: Buffer; line: string }
  | { type: "waiting"; forMs: number }
  | { type: "redis"; up: boolean; why?: string }
  | { type: "unhealthy"; reason: string }
  | { type: "ended"; end: ConsumerEnd };

/**
 * The reason why a consumer stopped reserving items. `finished` and `aborted` come from the script, and only they
 * allow exit code 0.
 */
export type ConsumerEnd = "finished" | "aborted" | "stopped" | "unhealthy" | "redis-away";

/**
 * Runs a handler over the queue until there is nothing left to do, ever. `stop` takes no new item, gives those in
 * flight `graceMs`, and releases the rest.
 */
export interface ConsumerApi {
  run(): Promise<ConsumerEnd>;
  stop(graceMs: number): Promise<void>;
}

/**
 * Many items in one buffer, for sources of many short ones: none of them becomes an object. Item `i` is the bytes from
 * `starts[i]` to before `ends[i]`. The block may be changed after the next one was asked for.
 */
export interface ItemBlock {
  bytes: Buffer;
  starts: ArrayLike<number>;
  ends: ArrayLike<number>;
  count: number;
}

/** Source of the items, in their order. Must begin anew each time it is iterated. */
export type ItemSource = (AsyncIterable<string | Buffer | ItemBlock> | Iterable<string | Buffer | ItemBlock>) & {
  /** Upper bound of the bytes of all items and their separators, if it is known without reading them. */
  maxBytes?: number;
};

/** Options of a seeding. */
export interface SeedOptions {
  /** `project/stack`: another owner's batch is refused. */
  owner: string;
  /** A changed value runs everything again. */
  run: string;
  /** Unique for each run of the seed Job (its UID): the dead are requeued once for each. */
  seedId: string;
  /** Called after each chunk with the number of items that are in. */
  onProgress?: (seeded: number) => void;
  /** Told in one line of a problem that does not stop the seeding. */
  onWarning?: (line: string) => void;
}

/** Report of a seeding. */
export interface SeedReport {
  total: number;
  added: number;
  removed: number;
  /** Dead items that were put back. */
  requeued: number;
  /** Items that were done already and stay so. */
  kept: number;
}

/** Everything but taking and seeding: what the CLI and the verdict use. */
export interface QueueAdminApi {
  counts(): Promise<Counts>;
  workers(): Promise<WorkerInfo[]>;
  /** Every item that was ever reserved, or those with higher ids, by id; in constant memory. */
  results(after?: number): AsyncIterable<ItemRecord>;
  /** The items of these ids that are still there, by id. */
  records(ids: Iterable<number>): AsyncIterable<ItemRecord>;
  /** The dead only, by time. */
  dead(): AsyncIterable<ItemRecord>;
  /** Ids of the items with this payload that were ever reserved. */
  find(payload: string | Buffer): Promise<number[]>;
  log(id: number): Promise<string | undefined>;
  /** Calls `onLine` with every line that items log from now on, within a second. @returns A function that ends it. */
  followLog(onLine: (line: LogLine) => void): Promise<() => void>;
  /** Puts dead items back, all or those of `ids`; returns how many. */
  requeueDead(ids?: number[]): Promise<number>;
  /** The same, and reopens an aborted batch; one that is paused stays so. */
  retry(ids?: number[]): Promise<number>;
  /**
   * Gives up items for good that are not done. Waiting items are never started; for items in flight, the handler's
   * signal aborts within 3 s. Each is dead with the reason `cancelled by WHO`, can be put back, and does not count
   * against `maxFailures`.
   * @param which Called with the bytes of each item; or ids of items that were reserved.
   * @returns How many it gave up.
   */
  cancel(which: ((payload: Buffer) => boolean) | number[], who: string): Promise<number>;
  pause(): Promise<void>;
  /** Ends a pause, and reopens an aborted batch. */
  resume(): Promise<void>;
  abort(reason: string): Promise<void>;
  /** Deletes the queue with all its keys; with `force` also while items are in flight or it is being seeded. */
  purge(options?: { force?: boolean }): Promise<PurgeResult>;
}
