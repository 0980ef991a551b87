/**
 * The names of a queue's keys, and the order in which every script gets them as KEYS. The layouts are in
 * docs/queue/keys.md.
 */
export interface Keys {
  /** The list itself: waiting payloads, plain strings. Anybody may RPUSH to it. */
  list: string;
  /** Hash: the state of the whole batch. */
  batch: string;
  /** Sorted set: `id:session.number` → deadline. The only in-flight set. */
  leases: string;
  /** Sorted set: id → when it may be taken again. */
  delayed: string;
  /** Sorted set: id → when it may be taken again, by a worker with nothing else in flight. */
  suspects: string;
  /** Hash: id → record of an item that was taken and is not settled for good. */
  items: string;
  /** Hash: id → record of an item that is done or dead. */
  results: string;
  /** Sorted set: id of a dead item → when it died. */
  dead: string;
  /** Hash: id → tail of its log. */
  logs: string;
  /** Hash: session → who it is; session + `#0`/`#1` → its last calls. */
  workers: string;
  /** The list that an edit builds beside the waiting one. */
  next: string;
  /** Sorted set: session → until when it counts as alive. */
  alive: string;
  /** Hash: id, and id + `+` → the two parts of a payload that is too long to move with its record. */
  payloads: string;
  /** Sorted set: session whose items fail one after the other → until when that counts. */
  failing: string;
}

/** Set: names of the queues of this Redis that were seeded or taken from. The only key that belongs to no queue. */
export const QUEUES = "wq:queues";

/** The channel on which workers publish what items log: a JSON array of `LogLine`s, or nothing to see who listens. */
export const logChannel = (queue: string): string => `{${queue}}:log`;

/**
 * The keys of one queue. All share a hash slot: `job2` and `{job2}:…`.
 * @param queue Name of the list.
 */
export function keys(queue: string): Keys {
  const of = (name: string) => `{${queue}}:${name}`;
  return {
    list: queue,
    batch: of("batch"),
    leases: of("leases"),
    delayed: of("delayed"),
    suspects: of("suspects"),
    items: of("items"),
    results: of("results"),
    dead: of("dead"),
    logs: of("logs"),
    workers: of("workers"),
    next: of("next"),
    alive: of("alive"),
    payloads: of("payloads"),
    failing: of("failing"),
  };
}

/**
 * The keys in the order in which every script of queue/scripts expects them: KEYS[1] is the list (includes/keys.lua).
 */
export function keyList(queue: string): string[] {
  const k = keys(queue);
  return [
    k.list,
    k.batch,
    k.leases,
    k.delayed,
    k.suspects,
    k.items,
    k.results,
    k.dead,
    k.logs,
    k.workers,
    k.next,
    k.alive,
    k.payloads,
    k.failing,
  ];
}
