// A place for one runner at a time. When it ends, its items get their outcomes, and the next one is started.
import { Unfinished } from "../../queue/index.ts";
import { InFlight } from "./inFlight.ts";
import { type HandedItem, tell, withoutStack } from "./handedItem.ts";
import { advised } from "../processes/advice.ts";
import { type Answer, cancelLine, parseAnswer, workLine } from "./protocol.ts";
import { type Executable, Runner } from "./runner.ts";

/** After this many crashes in a row without an item, runners are given up. */
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
  /** Time that a runner has to stop an item before it is killed, ms. */
  graceMs: number;
}

/** Listener to a host. */
export interface HostListener {
  /** There is room for more. */
  onRoom(): void;
  /** A line that belongs to no item. */
  onLine(line: string): void;
  /** No runner can be started. */
  onFailure(reason: string): void;
}

export class Host {
  readonly #options: HostOptions;
  readonly #listener: HostListener;
  readonly #inFlight = new InFlight();
  #runner!: Runner;
  #isReady = false;
  #isEnding = false;
  #crashes = 0;
  #startTimer?: NodeJS.Timeout;
  /** Reason for which the runner is killed: `one` item did not stop in time, or any of `several` may block it. */
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
    return this.isReady ? this.#options.units - this.#inFlight.units : 0;
  }

  give(items: HandedItem[]): void {
    if (this.#inFlight.size === 0) this.#runner.forgetWords();
    this.#inFlight.add(items);
    this.#runner.send(workLine(items, this.#options.isBatch));
  }

  /** An item in flight is to be stopped. */
  cancel(item: HandedItem): void {
    if (!this.#inFlight.has(item)) return;
    this.#runner.send(cancelLine(item.id));
    setTimeout(() => this.#giveUpOn(item), this.#options.graceMs).unref();
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
    const late = () => this.#runner.kill(`was not ready after ${startTimeoutMs / 1000} s (\`startTimeout\`)`);
    this.#startTimer = setTimeout(late, startTimeoutMs);
  }

  #onAnswer(answer: Answer): void {
    if ("ready" in answer) {
      if (answer.ready) return this.#onReady();
      this.#loadError = advised(answer.error);
      return this.#runner.kill("does not load");
    }
    const item = this.#inFlight.get(answer.id);
    if (!item) {
      if ("log" in answer || "progress" in answer || "cancelling" in answer) return;
      return this.#runner.kill(`answered for item ${answer.id}, which it does not have`);
    }
    if ("log" in answer) {
      if (this.#inFlight.units === 1) for (const line of answer.log.split("\n")) this.#runner.hear(line);
      item.context.log(answer.log);
    } else if ("progress" in answer) item.context.progress(answer.progress);
    else if ("cancelling" in answer) item.isCancelling = true;
    else {
      if (this.#inFlight.size === 1) this.#runner.flushLines();
      this.#settle(item, () => tell(item, answer));
    }
  }

  #onReady(): void {
    clearTimeout(this.#startTimer);
    if (this.#isEnding) return;
    this.#isReady = true;
    this.#listener.onRoom();
  }

  /** Printed lines belong to the one item or batch in flight. */
  #onLine(line: string): void {
    const answer = this.#isReady || !line.includes('"ready"') ? undefined : parseAnswer(line);
    if (answer && "ready" in answer) this.#runner.kill("writes its answers to its log, and not to descriptor 3");
    if (this.#inFlight.units !== 1) return this.#listener.onLine(line);
    for (const { context } of this.#inFlight.items) context.log(line);
  }

  #settle(item: HandedItem, tell: () => void): void {
    this.#inFlight.remove(item);
    this.#crashes = 0;
    tell();
    if (item.unit!.left === 0) this.#listener.onRoom();
  }

  /** The runner did not stop an item in time. If it did not even answer, any of its items may block it. */
  #giveUpOn(item: HandedItem): void {
    if (!this.#inFlight.has(item) || this.#hang) return;
    this.#hang = item.isCancelling || this.#inFlight.size === 1 ? "one" : "several";
    this.#runner.kill("did not stop an item in time and was killed");
  }

  #onEnd(reason: string, isCrash: boolean): void {
    clearTimeout(this.#startTimer);
    const wasReady = this.#isReady;
    this.#isReady = false;
    const { items } = this.#inFlight;
    for (const item of items) this.#settle(item, () => item.fail(this.#errorOf(item, reason, items.length)));
    if (this.#isEnding) return;
    if (items.length > 0) return this.#start();
    // A runner that ends by itself at its start will do so again; a signal may have come from elsewhere.
    const mayLoad = wasReady || isCrash;
    if (!mayLoad || ++this.#crashes >= MAX_IDLE_CRASHES) return this.#listener.onFailure(this.#loadError ?? reason);
    this.#listener.onLine(reason);
    setTimeout(() => this.#isEnding || this.#start(), RESTART_MS * this.#crashes);
  }

  #errorOf(item: HandedItem, reason: string, inFlight: number): unknown {
    if (this.#hang === "one") {
      const { signal } = item.context;
      return signal.aborted ? signal.reason : new Unfinished("released", reason);
    }
    return inFlight === 1 ? withoutStack(new Error(reason)) : new Unfinished("lost", reason);
  }
}
