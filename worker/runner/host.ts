// A place for one runner at a time. When it ends, its items get their outcomes, and the next one is started.
import { Unfinished } from "../../queue/index.ts";
import { Hand } from "./hand.ts";
import { type Piece, tell, withoutStack } from "./piece.ts";
import { type Answer, cancelLine, workLine } from "./protocol.ts";
import { type Executable, Runner } from "./runner.ts";

/** Runners that crash one after the other without an item are given up. */
const MAX_IDLE_CRASHES = 5;
const RESTART_MS = 200;

/** Options of the runners of a host. */
export interface HostOptions {
  program: Executable;
  /** Items, or batches of them, that a runner works on at a time. */
  units: number;
  /** Items come as batches, also a single one. */
  isBatch: boolean;
  startTimeoutMs: number;
  /** After it was asked to stop an item, a runner has so long before it is killed, ms. */
  graceMs: number;
}

/** Listener to a host. */
export interface HostListener {
  /** There is room for more. */
  onRoom(): void;
  onSettled(piece: Piece): void;
  /** A line that belongs to no item. */
  onLine(line: string): void;
  /** No runner can be started. */
  onFailure(reason: string): void;
}

export class Host {
  readonly #options: HostOptions;
  readonly #listener: HostListener;
  readonly #hand = new Hand();
  #runner!: Runner;
  #isReady = false;
  #isEnding = false;
  #crashes = 0;
  #startTimer?: NodeJS.Timeout;
  /** It is killed because of an item that is too late, or of one of several, nobody knows which. */
  #hang?: "one" | "several" | undefined;
  /** Reason why it does not load, in its own words. */
  #loadError?: string;

  constructor(options: HostOptions, listener: HostListener) {
    this.#options = options;
    this.#listener = listener;
    this.#start();
  }

  get isReady(): boolean {
    return this.#isReady && !this.#runner.isOver;
  }

  /** Number of items or batches that it can still take. */
  get room(): number {
    return this.isReady ? this.#options.units - this.#hand.units : 0;
  }

  give(pieces: Piece[]): void {
    if (this.#hand.size === 0) this.#runner.forgetWords();
    this.#hand.add(pieces);
    this.#runner.send(workLine(pieces, this.#options.isBatch));
  }

  /** An item in its hand is to be stopped. */
  cancel(piece: Piece): void {
    if (!this.#hand.has(piece)) return;
    this.#runner.send(cancelLine(piece.id));
    setTimeout(() => this.#giveUpOn(piece), this.#options.graceMs).unref();
  }

  /** Ends the runner, and starts no other. */
  end(ms: number): Promise<void> {
    this.#isEnding = true;
    this.#isReady = false;
    return this.#runner.end(ms);
  }

  #start(): void {
    const { program, startTimeoutMs } = this.#options;
    this.#hang = undefined;
    this.#runner = new Runner(program, {
      onAnswer: (answer) => this.#onAnswer(answer),
      onLine: (line) => this.#onLine(line),
      onEnd: (reason, isCrash) => this.#onEnd(reason, isCrash),
    });
    const late = () => this.#runner.kill(`was not ready after ${startTimeoutMs / 1000} s`);
    this.#startTimer = setTimeout(late, startTimeoutMs);
  }

  #onAnswer(answer: Answer): void {
    if ("ready" in answer) {
      if (answer.ready) return this.#onReady();
      this.#loadError = answer.error;
      return this.#runner.kill("does not load");
    }
    const piece = this.#hand.get(answer.id);
    if (!piece) {
      if ("log" in answer || "progress" in answer || "cancelling" in answer) return;
      return this.#runner.kill(`answered for item ${answer.id}, which it does not have`);
    }
    if ("log" in answer) piece.context.log(answer.log);
    else if ("progress" in answer) piece.context.progress(answer.progress);
    else if ("cancelling" in answer) piece.isCancelling = true;
    else {
      if (this.#hand.size === 1) this.#runner.flushLines();
      this.#settle(piece, () => tell(piece, answer));
    }
  }

  #onReady(): void {
    clearTimeout(this.#startTimer);
    if (this.#isEnding) return;
    this.#isReady = true;
    this.#listener.onRoom();
  }

  /** Printed lines belong to the one item or batch in its hand. */
  #onLine(line: string): void {
    if (this.#hand.units !== 1) return this.#listener.onLine(line);
    for (const { context } of this.#hand.pieces) context.log(line);
  }

  #settle(piece: Piece, tell: () => void): void {
    this.#hand.remove(piece);
    this.#crashes = 0;
    tell();
    this.#listener.onSettled(piece);
    if (piece.unit!.left === 0) this.#listener.onRoom();
  }

  /** It did not stop in time. Where it does not even hear, any of its items may be what blocks it. */
  #giveUpOn(piece: Piece): void {
    if (!this.#hand.has(piece) || this.#hang) return;
    this.#hang = piece.isCancelling || this.#hand.size === 1 ? "one" : "several";
    this.#runner.kill("did not stop an item in time and was killed");
  }

  #onEnd(reason: string, isCrash: boolean): void {
    clearTimeout(this.#startTimer);
    const wasReady = this.#isReady;
    this.#isReady = false;
    const { pieces } = this.#hand;
    for (const piece of pieces) this.#settle(piece, () => piece.fail(this.#errorOf(piece, reason, pieces.length)));
    if (this.#isEnding) return;
    if (pieces.length === 0) {
      // A runner that ends by itself at its start will do so again; a signal may have come from elsewhere.
      if (!(wasReady || isCrash) || ++this.#crashes >= MAX_IDLE_CRASHES)
        return this.#listener.onFailure(this.#loadError ?? reason);
      this.#listener.onLine(reason);
      setTimeout(() => this.#isEnding || this.#start(), RESTART_MS * this.#crashes);
    } else this.#start();
  }

  #errorOf(piece: Piece, reason: string, inHand: number): unknown {
    if (this.#hang === "one") {
      const { signal } = piece.context;
      return signal.aborted ? signal.reason : new Unfinished("released", reason);
    }
    return inHand === 1 ? withoutStack(new Error(reason)) : new Unfinished("lost", reason);
  }
}
