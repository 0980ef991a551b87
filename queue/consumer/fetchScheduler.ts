/** Somebody else may push, finish or seed at any time: an idle worker looks at least this often, ms. */
const LOOK_MS = 200;
/** More items than this are not asked for at once: Redis does nothing else meanwhile. */
const MAX_TAKE = 500;
/** A worker of many slots that is always busy says at most so often that it has nothing else in hand, ms. */
const IDLE_MS = 100;
/** Fewer slots than this do not share the exchanges between two lanes. */
const FEW_SLOTS = 8;

/** What a worker has to do with its next exchange. */
export interface Standing {
  /** Slots that are free. */
  free: number;
  /** Items in hand; taken and not begun, and how many of the latter there may be. */
  inHand: number;
  ahead: number;
  room: number;
  /** Ends to be recorded. */
  settled: number;
  /** Nothing more is to be taken. */
  full: boolean;
}

/** What the next exchange asks for. */
export interface Ask {
  /** How many items. */
  want: number;
  /** Whether it says that there is nothing else in hand, and so may bring a suspect, which must stay alone. */
  idle: boolean;
}

/** There is nothing to ask for. */
export interface Rest {
  /** How long, ms. */
  rest: number;
}

/**
 * When to exchange, and how many items to ask for. Two exchanges are under way where there is enough to share: Redis works on one while this process
 * works on the other. Their numbers are one even and one odd: each may be answered after the other, none overtakes itself.
 */
export class Lanes {
  readonly #slots: number;
  #number = 0;
  /** Exchanges under way: what was asked for, by number. */
  readonly #underWay = new Map<number, Ask>();
  #waitUntil = 0;
  #aloneAt = -Infinity;
  /** The last exchange that asked for items got fewer. */
  #dry = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** How many are under way. */
  get size(): number {
    return this.#underWay.size;
  }

  /**
   * What to ask for, or when to look again; undefined where something else must happen first: an answer, or the end of an item.
   * @param now The time, ms. Whether it is over and how long it lasts are found by one look at the clock: between two it may pass, and nobody look again.
   */
  next({ free, inHand, ahead, room, settled, full }: Standing, now: number): Ask | Rest | undefined {
    const lanes = this.#slots + room < FEW_SLOTS ? 1 : 2;
    if (this.#underWay.size >= lanes) return undefined;
    let asked = 0;
    let mayBeAlone = false;
    for (const { want, idle } of this.#underWay.values()) {
      asked += want;
      mayBeAlone ||= idle;
    }
    const rest = full ? 0 : this.#waitUntil - now;
    let want = 0;
    if (!full && !mayBeAlone && (settled > 0 || rest <= 0)) {
      want = Math.max(0, Math.min(free + room - ahead - asked, Math.ceil((this.#slots + room) / lanes), MAX_TAKE));
    }
    if (want === 0 && settled === 0) return rest > 0 ? { rest } : undefined;
    // Nothing else may be asked for until the answer is here, so this is not said at every chance.
    const idle =
      want > 0 && asked + inHand + ahead === 0 && (lanes === 1 || now - this.#aloneAt > IDLE_MS || this.#dry);
    if (idle) this.#aloneAt = now;
    return { want, idle };
  }

  /** It is under way. @returns Its number. */
  begin(ask: Ask): number {
    const [busy] = this.#underWay.keys();
    this.#number += busy !== undefined && (this.#number + 1) % 2 === busy % 2 ? 2 : 1;
    this.#underWay.set(this.#number, ask);
    return this.#number;
  }

  /** It is not any more. */
  end(number: number): void {
    this.#underWay.delete(number);
  }

  /** What an answer brought, of what was wanted; and how long there will be nothing, ms, as far as Redis knows. */
  heard(want: number, brought: number, wait: number, now: number): void {
    if (want === 0) return;
    this.#dry = brought < want;
    this.#waitUntil = brought > 0 ? 0 : now + Math.min(Math.max(wait, 5), LOOK_MS);
  }
}
