import assert from "node:assert/strict";

/**
 * The lease asked for, ms. All times below are so far apart from each other that a slow machine makes no difference.
 */
export const LEASE = 100_000;
/** Time that a lease lasts (docs/queue/timing.md). */
const HELD = 0.8 * LEASE;
const LOSS_WAIT = 0.1 * LEASE;
/** Backoff of a failed attempt. */
export const BACKOFF = 50_000;
/** Limit of the payloads of one call, bytes. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Silences that nothing proves, and that an item is excused for; and how often it is excused in all. */
const UNPROVEN_SILENCES = 2;
const EXCUSES = 10;

/** Outcome of an item in flight. */
export type Ending = "done" | "failed" | "dead" | "released" | "lost";

/** An item that was reserved at least once. */
interface Reserved {
  payload: string;
  place: "leased" | "delayed" | "suspect" | "done" | "dead";
  /** Leased: `id:session.number`. */
  member: string;
  /** Leased: when the lease ends. Delayed, suspect: when it may be reserved. */
  at: number;
  /** Leased: Redis was told that it was begun. */
  isBegun: boolean;
  /** Leased: nothing may run beside it. */
  runsAlone: boolean;
  /** Its last attempt is one of several that may have broken their process; it was not begun, as far as is known. */
  mayHaveBroken: boolean;
  wasUnbegun: boolean;
  failures: number;
  losses: number;
  silences: number;
  /** Times that it was taken and not begun. */
  unbegun: number;
  /** The end of its last lease, if that ran out. */
  expired?: Expiry | undefined;
}

/** A lease that ran out. */
interface Expiry {
  member: string;
  as: "loss" | "silence" | "unbegun";
  /** The two flags as they were before it. */
  before: { mayHaveBroken: boolean; wasUnbegun: boolean };
}

/** A call as a session makes it. */
export interface Call {
  session: string;
  number: number;
  isResent?: boolean;
  reserve: number;
  exclusive: boolean;
  acks: { member: string; ending: Ending }[];
}

/** The answer of Redis, taken apart. */
export interface Answer {
  kind: string;
  stale: string[];
  reserved: {
    id: number;
    payload: string;
    failures: number;
    losses: number;
    isTold: boolean;
    runsAlone: boolean;
  }[];
}

/**
 * The queue in plain words: what docs/queue says of the scripts, without Redis. `now` is a clock that only the
 * test moves. Can be cloned (so no member has a name with a #).
 */
export class QueueModel {
  readonly maxLosses: number;
  now = 0;
  state: "open" | "finished" = "open";
  paused = false;
  waiting: string[] = [];
  /** All items that the seeder ever got. */
  source: string[] = [];
  items = new Map<number, Reserved>();
  lastId = 0;
  total = 0;
  external = 0;
  lastLength = 0;
  lost = 0;
  lastHeartbeat?: number;
  reclaimAfter = -Infinity;
  /** Redis itself was certainly away in the last silence. */
  silenceProven = false;
  /** Last remembered call by session and parity. */
  calls: Record<string, { number: number; stale: string[]; ids: number[] }> = {};

  constructor(maxLosses: number) {
    this.maxLosses = maxLosses;
  }

  ids(place: Reserved["place"]): number[] {
    return [...this.items].flatMap(([id, item]) => (item.place === place ? [id] : [])).sort((a, b) => a - b);
  }

  /** Ids of the items there that are due. */
  private due(place: Reserved["place"]): number[] {
    return this.ids(place).filter((id) => this.items.get(id)!.at <= this.now);
  }

  members(): string[] {
    return this.ids("leased").map((id) => this.items.get(id)!.member);
  }

  /** Others push to the list and pop from it; whoever looks next notices the difference in length. */
  look(): void {
    const more = this.waiting.length - this.lastLength;
    if (more > 0) this.total += more;
    else this.external -= more;
    this.lastLength = this.waiting.length;
  }

  grow(items: string[]): void {
    this.look();
    this.source = [...this.source, ...items];
    this.waiting.push(...items);
    this.total += items.length;
    this.lastLength = this.waiting.length;
    this.state = "open";
  }

  requeue(): number {
    const dead = this.ids("dead");
    for (const id of dead) {
      const item = this.items.get(id)!;
      Object.assign(item, { failures: 0, losses: Math.min(1, item.losses), at: -Infinity, expired: undefined });
      this.putBack(item, { mayHaveBroken: item.losses > 0 });
    }
    if (dead.length > 0) this.state = "open";
    return dead.length;
  }

  /** Notes that items were begun. A lease that is gone is passed over. */
  begin(members: string[]): void {
    for (const member of members) Object.assign(this.leased(member) ?? {}, { isBegun: true });
  }

  /** Renews leases. @returns Those that are gone. */
  renew(members: string[]): string[] {
    const gone = members.filter((member) => {
      const item = this.leased(member) ?? this.takeBack(member);
      if (item) Object.assign(item, { place: "leased", member, at: this.now + HELD, isBegun: true });
      return !item;
    });
    if (this.lastHeartbeat !== undefined) this.hear();
    return gone;
  }

  /**
   * Does what the call should have done, and checks what Redis answered. If several items are due, any of them is
   * right.
   */
  call(call: Call, answer: Answer): void {
    const { session, number, isResent, reserve, exclusive, acks } = call;
    const parity = `${session}#${number % 2}`;
    const last = this.calls[parity];
    if (last && number < last.number) return assert.deepEqual(answer, { kind: "old", stale: [], reserved: [] });
    if (last && number === last.number) {
      const still = last.ids.filter((id) => this.leased(`${id}:${session}.${number}`));
      const reserved = still.map((id) => {
        const { payload, failures, losses, wasUnbegun, runsAlone } = this.items.get(id)!;
        return { id, payload, failures, losses, isTold: losses > 0 || wasUnbegun, runsAlone };
      });
      const again = { ...answer, reserved: answer.reserved.toSorted((a, b) => a.id - b.id) };
      reserved.sort((a, b) => a.id - b.id);
      return assert.deepEqual(again, { kind: "again", stale: last.stale, reserved });
    }

    const stale = this.acknowledge(acks);
    assert.deepEqual(answer.stale.toSorted(), stale.toSorted(), "stale");
    this.look();
    const unsettled = this.ids("delayed").length + this.ids("suspect").length;
    if (this.state === "finished" && this.waiting.length + unsettled > 0) this.state = "open";
    this.hear();
    const isOpen = this.state === "open" && !this.paused;
    if (isOpen && this.now >= this.reclaimAfter) this.reclaim();
    if (isOpen && reserve > 0 && !this.isReclaimDue()) this.reserve(call, answer);
    else assert.deepEqual(answer.reserved, []);

    const left = this.waiting.length + this.items.size - this.ids("done").length - this.ids("dead").length;
    if (answer.reserved.length === 0 && left === 0 && this.state === "open") {
      this.state = "finished";
      this.paused = false;
    }
    assert.equal(answer.kind, answer.reserved.length === 0 && this.state === "finished" ? "finished" : "ok");
    assert.ok(exclusive || !answer.reserved.some(({ runsAlone }) => runsAlone), "a suspect runs alone");
    this.lastLength = this.waiting.length;
    if (isResent || answer.reserved.length + acks.length > 0)
      this.calls[parity] = { number, stale: answer.stale, ids: answer.reserved.map(({ id }) => id) };
  }

  private leased(member: string): Reserved | undefined {
    const item = this.items.get(idOf(member));
    return item?.place === "leased" && item.member === member ? item : undefined;
  }

  /** A worker is heard. After a silence of half a lease, all workers get another half to be heard. */
  private hear(): void {
    const silence = this.now - (this.lastHeartbeat ?? this.now);
    this.lastHeartbeat = this.now;
    if (silence < 0) this.onClockWentBack(-silence);
    if (silence < 0 || silence > LEASE / 2) this.reclaimAfter = this.now + LEASE / 2;
  }

  /** True if a lease ran out in a silence and its item is not taken back yet. Then nothing is reserved. */
  private isReclaimDue(): boolean {
    return this.now < this.reclaimAfter && this.due("leased").length > 0;
  }

  private onClockWentBack(span: number): void {
    this.silenceProven = true;
    for (const item of this.items.values()) {
      if (item.place === "leased") item.at = Math.min(item.at, this.now + HELD);
      else if (item.at > this.now) item.at = Math.max(this.now, item.at - span - 0.06 * LEASE);
    }
  }

  /** The item of an expired lease whose worker is heard after all, unless somebody else has the item. */
  private takeBack(member: string): Reserved | undefined {
    const item = this.items.get(idOf(member));
    if (!item || item.place === "leased" || item.place === "done" || item.expired?.member !== member) return;
    // The counts of a batch that is over were reported, so they stay.
    if (item.place === "dead" && this.state !== "open") return;
    if (item.expired.as === "loss") {
      item.losses--;
      this.lost--;
    } else if (item.expired.as === "silence") item.silences--;
    else item.unbegun--;
    Object.assign(item, item.expired.before, { expired: undefined });
    return item;
  }

  private acknowledge(acks: Call["acks"]): string[] {
    const stale: string[] = [];
    // Items that are done go first, all together.
    for (const { member, ending } of acks.toSorted(
      (a, b) => Number(b.ending === "done") - Number(a.ending === "done"),
    )) {
      const item = this.leased(member) ?? this.takeBack(member);
      if (!item) stale.push(member);
      else if (ending === "done") item.place = "done";
      else if (ending === "lost") this.lose(item, true);
      else {
        if (ending !== "released") item.failures++;
        if (ending === "dead") item.place = "dead";
        else this.putBack(item);
        item.at = this.now + (ending === "failed" ? BACKOFF : 0);
        item.expired = undefined;
      }
    }
    return stale;
  }

  /** It is to be tried again: alone after two losses, before its last one, or where it may have broken its process. */
  private putBack(item: Reserved, { mayHaveBroken = false, wasUnbegun = false } = {}): void {
    Object.assign(item, { mayHaveBroken, wasUnbegun });
    const alone = mayHaveBroken || item.losses >= Math.max(1, Math.min(2, this.maxLosses - 1));
    item.place = alone ? "suspect" : "delayed";
  }

  private lose(item: Reserved, mayHaveBroken = false): void {
    item.losses++;
    this.lost++;
    if (item.losses >= this.maxLosses) item.place = "dead";
    else this.putBack(item, { mayHaveBroken });
    item.at = this.now + LOSS_WAIT;
    item.expired = undefined;
  }

  private reclaim(): void {
    for (const item of this.items.values()) {
      if (item.place !== "leased" || item.at > this.now) continue;
      const { member, mayHaveBroken, wasUnbegun } = item;
      const before = { mayHaveBroken, wasUnbegun };
      const isSilent = item.at <= this.reclaimAfter;
      const mayExcuse = item.silences + item.unbegun < EXCUSES;
      if (isSilent && mayExcuse && (this.silenceProven || item.silences < UNPROVEN_SILENCES)) {
        item.silences++;
        this.putBack(item);
        item.at = this.now;
        item.expired = { member, as: "silence", before };
      } else if (!item.isBegun && mayExcuse) {
        item.unbegun++;
        this.putBack(item, { wasUnbegun: true });
        item.at = this.now;
        item.expired = { member, as: "unbegun", before };
      } else {
        this.lose(item);
        item.expired = { member, as: "loss", before };
      }
    }
  }

  private reserve({ session, number, reserve, exclusive }: Call, { reserved }: Answer): void {
    const takesSuspect = exclusive && this.due("suspect").length > 0;
    let bytes = 0;
    const fits = (payload: string, isFirst: boolean) => {
      if (!isFirst && bytes + payload.length > MAX_BYTES) return false;
      bytes += payload.length;
      return true;
    };
    const again = reserved.filter(({ id }) => id <= this.lastId);
    for (const [index, { payload }] of again.entries()) assert.ok(fits(payload, index === 0), "more than 4 MiB");
    const others = this.due(takesSuspect ? "suspect" : "delayed").filter((id) => !again.some((item) => item.id === id));
    const smallest = Math.min(...others.map((id) => this.items.get(id)!.payload.length));
    const most = takesSuspect ? 1 : reserve;
    assert.ok(again.length <= most);
    const isCut = again.length > 0 && bytes + smallest > MAX_BYTES - 100_000; // their records count, too
    assert.ok(again.length === most || others.length === 0 || isCut, "what is due goes first");
    for (const { id } of again) {
      const item = this.items.get(id)!;
      assert.equal(item.place, takesSuspect ? "suspect" : "delayed", `item ${id} was taken from there`);
      assert.ok(item.at <= this.now, `item ${id} was due`);
    }

    let fresh = 0;
    while (!takesSuspect && again.length + fresh < reserve && fresh < this.waiting.length && bytes < MAX_BYTES) {
      if (!fits(this.waiting[fresh]!, fresh === 0)) break;
      fresh++;
    }
    for (const payload of this.waiting.splice(0, fresh)) {
      const item = {
        payload,
        member: "",
        at: this.now,
        isBegun: false,
        runsAlone: false,
        mayHaveBroken: false,
        wasUnbegun: false,
        failures: 0,
        losses: 0,
        silences: 0,
        unbegun: 0,
      };
      this.items.set(++this.lastId, { ...item, place: "delayed" });
    }
    assert.equal(reserved.length, again.length + fresh, "how many were reserved");
    for (const { id, ...told } of reserved) {
      const item = this.items.get(id)!;
      const { payload, failures, losses, wasUnbegun } = item;
      const isTold = losses > 0 || wasUnbegun;
      assert.deepEqual(told, { payload, failures, losses, isTold, runsAlone: takesSuspect });
      Object.assign(item, { place: "leased", member: `${id}:${session}.${number}`, at: this.now + HELD });
      Object.assign(item, { expired: undefined, isBegun: false, runsAlone: takesSuspect });
    }
  }
}

/** Id of a lease's item. */
export function idOf(member: string): number {
  return Number(member.split(":")[0]);
}
