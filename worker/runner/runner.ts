// One runner: a process that lives as long as the pod, and works on items that it is given.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Family, TERM_MS } from "../processes/family.ts";
import { endOf, LastWords } from "../processes/lastWords.ts";
import { spawnPiped } from "../processes/pipes.ts";
import { splitLines } from "../processes/splitLines.ts";
import { ORDERS } from "./orders.ts";
import { type Answer, parseAnswer } from "./protocol.ts";
import { WholeLines } from "./wholeLines.ts";

/** Longest line that a runner may write, characters: results have their own limit, far below. */
const MAX_LINE = 32 * 1024 * 1024;
/** A runner that ended is read to its end for so long at most: something may hold its pipes, ms. */
const DRAIN_MS = 1_000;

/** A program with its arguments and environment. */
export interface Executable {
  /** Its name in messages. */
  name: string;
  command: string[];
  env: NodeJS.ProcessEnv;
  /** It reads items from {@link ORDERS}. Its standard input is empty: programs that a handler starts inherit that. */
  hasEmptyInput?: boolean;
}

/** Listener to a runner. */
export interface RunnerListener {
  onAnswer(answer: Answer): void;
  /** A line of its standard output or error. */
  onLine(line: string): void;
  /** It is gone, and all that it started. @param reason How, with its last line. */
  onEnd(reason: string, isCrash: boolean): void;
}

/** The process. It is started by the constructor; a program that cannot be started ends at once. */
export class Runner {
  readonly #program: Executable;
  readonly #listener: RunnerListener;
  readonly #family = new Family();
  readonly #words = new LastWords();
  readonly #child: ChildProcess;
  readonly #orders: Writable;
  /** Its log, and its answers. */
  readonly #pipes: Readable[];
  readonly #giveRest: (() => void)[];
  #output = "";
  #why?: string;
  #hasExited = false;
  /** True if it was asked to end. */
  #isAsked = false;

  constructor(program: Executable, listener: RunnerListener) {
    this.#program = program;
    this.#listener = listener;
    const [file, ...args] = program.command as [string, ...string[]];
    const env = { ...program.env, ...this.#family.env };
    // A group of its own: a signal from the terminal is the worker's business.
    const [input, more] = program.hasEmptyInput
      ? [Buffer.alloc(0), ["pipe", "pipe"] as const]
      : [undefined, ["pipe"] as const];
    const { child, stdout, stderr } = spawnPiped(file, args, env, input, more);
    this.#child = child;
    this.#orders = (program.hasEmptyInput ? child.stdio[ORDERS] : child.stdin) as Writable;
    this.#pipes = [stdout, stderr, child.stdio[3] as Readable];
    if (child.pid !== undefined) this.#family.begin(child.pid);
    child.on("error", (error) => this.#words.add(error.message));
    this.#orders.on("error", () => this.#onDeaf("no longer reads its standard input"));
    this.#read(this.#pipes[2]!);
    const onLine = (line: string) => {
      this.#words.add(line);
      listener.onLine(line);
    };
    this.#giveRest = [stdout, stderr].map((log) => splitLines(log, onLine));
    const ended = (code: number | null, signal: NodeJS.Signals | null) => void this.#onExit(code, signal);
    if (child.pid === undefined) child.once("error", () => ended(null, null));
    else child.once("exit", ended);
  }

  /** True if it ended or was killed: items that it is given now are lost. */
  get isOver(): boolean {
    return this.#hasExited || this.#why !== undefined;
  }

  /** Writes lines, all of one turn together. */
  send(lines: string): void {
    if (this.#output === "")
      queueMicrotask(() => {
        this.#orders.write(this.#output);
        this.#output = "";
      });
    this.#output += lines;
  }

  /** Tells a last printed line that has no line end. */
  flushLines(): void {
    for (const giveRest of this.#giveRest) giveRest();
  }

  /** The reason of its end may be a line that an item logged, or one that the runner printed. */
  hear(line: string): void {
    this.#words.add(line);
  }

  /** The runner gets new work: its earlier words do not explain how that ends. */
  forgetWords(): void {
    this.#words.clear();
  }

  /** Ends it and all its processes at once. @param why Reason that is told instead of the signal. */
  kill(why: string): void {
    this.#why ??= why;
    this.#child.kill("SIGKILL");
  }

  /** Asks it to end, by the end of its input and by SIGTERM; what is left after `ms` is killed. */
  end(ms: number): Promise<void> {
    this.#isAsked = true;
    this.#orders.end();
    return this.#family.end(ms);
  }

  #read(answers: Readable): void {
    const whole = new WholeLines();
    answers.on("error", () => {});
    answers.on("end", () => this.#onDeaf("closed descriptor 3"));
    answers.on("data", (chunk: Buffer) => {
      const lines = whole.add(chunk);
      if (whole.restLength > MAX_LINE) {
        answers.destroy();
        return this.kill(`wrote a line of more than ${MAX_LINE} characters to descriptor 3`);
      }
      // In the same turn, its log is read, so earlier lines come first.
      setImmediate(() => this.#onLines(lines));
    });
  }

  /** Called when it can work no more. If it is about to end, its end says why. */
  #onDeaf(why: string): void {
    setTimeout(() => this.#isAsked || this.#hasExited || this.kill(why), DRAIN_MS).unref();
  }

  #onLines(lines: string[]): void {
    for (const line of lines) {
      const answer = parseAnswer(line);
      if (!answer) return this.kill(`wrote a line to descriptor 3 that is not an answer: ${line.slice(0, 200)}`);
      this.#listener.onAnswer(answer);
    }
  }

  async #onExit(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    this.#hasExited = true;
    const pipes = this.#pipes;
    const closed = Promise.all(pipes.filter((pipe) => !pipe.closed).map((pipe) => once(pipe, "close")));
    // Nothing that it started lives on beside its successor.
    await this.#family.end(this.#why === undefined ? TERM_MS : 0);
    await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
    for (const pipe of [this.#orders, ...pipes]) pipe.destroy();
    setImmediate(() => this.#listener.onEnd(this.#reason(code, signal), this.#why === undefined && signal !== null));
  }

  #reason(code: number | null, signal: NodeJS.Signals | null): string {
    const { name } = this.#program;
    const words = this.#words.text;
    if (code === null && signal === null) return `${name} cannot be started: ${words}`;
    return this.#why === undefined ? endOf(name, code, signal, words) : `${name} ${this.#why}${words && `: ${words}`}`;
  }
}
