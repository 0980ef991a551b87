import type { ItemContext } from "../../../queue/index.ts";
import { MAX_LOG_CHARS } from "../../../queue/limits.ts";
import { MAX_LINE_LENGTH } from "../../processes/splitLines.ts";
import { say } from "./answers.ts";

/** An item that a runner works on: the context of its handler. Rarely used parts are made when they are used. */
export class RunningItem implements ItemContext {
  readonly id: number;
  readonly attempt: number;
  readonly text: string;
  readonly #base64: string | undefined;
  #controller?: AbortController;
  #stopReason?: Error;
  /** Printed text without an end of line. */
  #rest = "";

  constructor(id: number, attempt: number, text: string | undefined, base64: string | undefined) {
    this.id = id;
    this.attempt = attempt;
    this.#base64 = base64;
    this.text = text ?? this.bytes.toString();
  }

  get bytes(): Buffer {
    return this.#base64 === undefined ? Buffer.from(this.text) : Buffer.from(this.#base64, "base64");
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stopReason) this.#controller.abort(this.#stopReason);
    return this.#controller.signal;
  }

  /** Bound, because handlers take it out of their context. */
  get log(): (line: string) => void {
    return (line) => say({ id: this.id, log: String(line).slice(-MAX_LOG_CHARS) });
  }

  get progress(): (share: number) => void {
    // JSON has no NaN, the value of 0 / 0.
    return (share) => void (Number.isFinite(share) && say({ id: this.id, progress: share }));
  }

  stop(reason: Error): void {
    this.#stopReason ??= reason;
    this.#controller?.abort(this.#stopReason);
  }

  /** Adds to the log what was printed, line by line. */
  print(text: string): void {
    // A carriage return ends a line, too, as progress bars use it.
    const lines = (this.#rest + text).replace(/^\r+/, "").split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop()!;
    for (const line of lines) this.log(line);
    for (; this.#rest.length > MAX_LINE_LENGTH; this.#rest = this.#rest.slice(MAX_LINE_LENGTH))
      this.log(this.#rest.slice(0, MAX_LINE_LENGTH));
  }

  /** Ends the item: logs its last line, if that has no line end. */
  flushLog(): void {
    if (this.#rest !== "") this.log(this.#rest);
    this.#rest = "";
  }
}
