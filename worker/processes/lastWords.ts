// The line of a program's log that says why it ended, in the languages that say more after it.

/** Lines after the reason: stacks (indented, or Go's and PHP's), and what Node.js, Rust and Java add. */
const AFTERWARDS =
  /^(\s|[})\]^]+$|Node\.js v\d|note: |\.\.\. \d+ more|Stack trace:|#\d+ |goroutine \d+ \[|exit status \d+$|created by |[\w./*()-]+\(.*\)$|\[signal )/;

const READ_ONLY = /\bEROFS\b|read-only file ?system/i;
/** Advice for a program that writes beside itself. */
const ADVICE = "(only /tmp and the volumes of `claims` can be written)";

/** The text of an error, with the advice at its end of line where it needs some. */
export const advised = (text: string): string =>
  text.replace(new RegExp(`^.*(${READ_ONLY.source}).*$`, "im"), (line) => `${line} ${ADVICE}`);

/** Listens to a program's log for the reason of its end: the last line that is not a part of a stack. */
export class LastWords {
  #reason = "";
  #last = "";
  #isReadOnly = false;

  add(line: string): void {
    if (line.trim() === "") return;
    this.#last = line;
    this.#isReadOnly ||= READ_ONLY.test(line);
    if (!AFTERWARDS.test(line)) this.#reason = line;
  }

  /** Nothing that was said before counts from now on. */
  clear(): void {
    this.#reason = this.#last = "";
    this.#isReadOnly = false;
  }

  get text(): string {
    const words = (this.#reason || this.#last).trim();
    return this.#isReadOnly ? `${words} ${ADVICE}` : words;
  }
}

/** The end of a program, and its last words. */
export function endOf(program: string, code: number | null, signal: NodeJS.Signals | null, words: string): string {
  const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
  return `${program} ${how}${words && `: ${words}`}`;
}
