import assert from "node:assert/strict";

/** The lease asked for, ms. All times below are so far apart from each other that a slow machine makes no difference. */
export const LEASE = 100_000;
/** A lease lasts so long (queue/README.md, Time). */
const HELD = 0.8 * LEASE;
const SUSPECT_WAIT = 0.1 * LEASE;
/** Backoff of a failed attempt. */
export const BACKOFF = 50_000;

/** How an item in hand is settled. */
export type How = "done" | "failed" | "given up" | "released";

/** An item that was given at least once. */
interface Given {
  payload: string;
  place: "leased" | "delayed" | "suspect" | "done" | "dead";
  /** Leased: `id:ticket`. */
  member: string;
  /** Leased: when the lease ends. Delayed, suspect: when it may be taken. */
  at: number;
  failures: number;
  losses: number;
}

/** An exchange as a session says it. */
export interface Said {
  session: string;
  number: number;
  want: number;
  idle: boolean;
  settled: { member: string; how: How }[];
}

/** What Redis answered, taken apart. */
export interface Heard {
  kind: string;
  stale: string[];
  taken: { id: number; payload: string; failures: number; losses: number }[];
}

/** The queue in plain words: what queue/README.md says of the scripts, without Redis. `now` is a clock that only the test moves. Can be cloned. */
export class QueueModel {
  now = 0;
  state: "open" | "finished" = "open";
  paused = false;
  waiting: string[] = [];
  /** All the seeder was ever given. */
  source: string[] = [];
  given = new Map<number, Given>();
  lastId = 0;
  total = 0;
  foreign = 0;
  seen = 0;
  lost = 0;
  heard?: number;
  grace = 0;
  /** Last exchange by session and parity. */
  lanes: Record<string, { number: number; stale: string[]; ids: number[] }> = {};

  ids(place: Given["place"]): number[] {
    return [...this.given].flatMap(([id, item]) => (item.place === place ? [id] : [])).sort((a, b) => a - b);
  }

  members(): string[] {
    return this.ids("leased").map((id) => this.given.get(id)!.member);
  }

  /** Others push to the list and pop from it; whoever looks next notices the difference in length. */
  look(): void {
    const more = this.waiting.length - this.seen;
    if (more > 0) this.total += more;
    else this.foreign -= more;
    this.seen = this.waiting.length;
  }

  grow(items: string[]): void {
    this.look();
    this.source = [...this.source, ...items];
    this.waiting.push(...items);
    this.total += items.length;
    this.seen = this.waiting.length;
    this.state = "open";
  }

  requeue(): number {
    const dead = this.ids("dead");
    for (const id of dead) {
      const item = this.given.get(id)!;
      Object.assign(item, { failures: 0, losses: Math.min(1, item.losses), at: -Infinity });
      item.place = item.losses > 0 ? "suspect" : "delayed";
    }
    if (dead.length > 0) this.state = "open";
    return dead.length;
  }

  /** Somebody speaks. After a silence of half a lease everybody gets the time of half a lease more to do so. */
  private hear(): void {
    if (this.heard !== undefined && this.now - this.heard > LEASE / 2) this.grace = this.now + LEASE / 2;
    this.heard = this.now;
  }

  /** Answers those that are gone. */
  renew(members: string[]): string[] {
    if (this.heard !== undefined) this.hear();
    const held = new Map([...this.given.values()].filter(isLeased).map((item) => [item.member, item]));
    for (const member of members) {
      const item = held.get(member);
      if (item) item.at = this.now + HELD;
    }
    return members.filter((member) => !held.has(member));
  }

  /** Does what the exchange should have done, and checks what Redis answered. Where several items are due, any of them is right. */
  exchange({ session, number, want, idle, settled }: Said, heard: Heard): void {
    const lane = `${session}#${number % 2}`;
    const last = this.lanes[lane];
    const ticket = `${session}.${number}`;
    if (last && number < last.number) return assert.deepEqual(heard, { kind: "old", stale: [], taken: [] });
    if (last && number === last.number) {
      const still = last.ids.filter(
        (id) => isLeased(this.given.get(id)!) && this.given.get(id)!.member === `${id}:${ticket}`,
      );
      const taken = still.map((id) => {
        const { payload, failures, losses } = this.given.get(id)!;
        return { id, payload, failures, losses };
      });
      return assert.deepEqual(heard, { kind: "again", stale: last.stale, taken });
    }

    const stale = this.settle(settled);
    assert.deepEqual(heard.stale.toSorted(), stale.toSorted(), "stale");
    this.look();
    const back = this.ids("delayed").length + this.ids("suspect").length;
    if (this.state === "finished" && this.waiting.length + back > 0) this.state = "open";
    this.hear();
    const takes = this.state === "open" && !this.paused;
    if (takes && this.now >= this.grace) this.expire();
    if (takes && want > 0) this.take(want, idle, ticket, heard.taken);
    else assert.deepEqual(heard.taken, []);

    const left = this.waiting.length + this.given.size - this.ids("done").length - this.ids("dead").length;
    if (heard.taken.length === 0 && left === 0) this.state = "finished";
    assert.equal(heard.kind, heard.taken.length === 0 && this.state === "finished" ? "finished" : "ok");
    this.seen = this.waiting.length;
    this.lanes[lane] = { number, stale: heard.stale, ids: heard.taken.map(({ id }) => id) };
  }

  private settle(settled: Said["settled"]): string[] {
    const stale: string[] = [];
    for (const { member, how } of settled) {
      const item = [...this.given.values()].find((item) => isLeased(item) && item.member === member);
      if (!item) stale.push(member);
      else if (how === "done") item.place = "done";
      else {
        if (how !== "released") item.failures++;
        item.place = how === "given up" ? "dead" : item.losses > 0 ? "suspect" : "delayed";
        item.at = this.now + (how === "failed" ? BACKOFF : 0);
      }
    }
    return stale;
  }

  private expire(): void {
    for (const item of this.given.values()) {
      if (!isLeased(item) || item.at > this.now) continue;
      item.losses++;
      this.lost++;
      item.place = item.losses > 1 ? "dead" : "suspect";
      item.at = this.now + SUSPECT_WAIT;
    }
  }

  private take(want: number, idle: boolean, ticket: string, taken: Heard["taken"]): void {
    const due = (place: Given["place"]) => this.ids(place).filter((id) => this.given.get(id)!.at <= this.now);
    const suspects = idle ? due("suspect") : [];
    const delayed = suspects.length > 0 ? [] : due("delayed").slice(0, want);
    const fresh = suspects.length > 0 ? [] : this.waiting.splice(0, want - delayed.length);
    assert.equal(taken.length, suspects.length > 0 ? 1 : delayed.length + fresh.length, "how many were taken");
    for (const payload of fresh) {
      this.given.set(++this.lastId, { payload, place: "delayed", member: "", at: this.now, failures: 0, losses: 0 });
    }
    for (const { id, ...said } of taken) {
      const item = this.given.get(id)!;
      const { payload, failures, losses } = item;
      assert.deepEqual(said, { payload, failures, losses });
      assert.equal(item.place, suspects.length > 0 ? "suspect" : "delayed", `item ${id} was taken from there`);
      assert.ok(item.at <= this.now, `item ${id} was due`);
      Object.assign(item, { place: "leased", member: `${id}:${ticket}`, at: this.now + HELD });
    }
    const newest = taken.filter(({ id }) => id > this.lastId - fresh.length).length;
    assert.equal(newest, suspects.length > 0 ? newest : fresh.length, "the head of the list was taken");
  }
}

function isLeased(item: Given): boolean {
  return item.place === "leased";
}
