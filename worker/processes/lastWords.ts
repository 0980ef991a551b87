// The line of a program's log that says why it ended, in the languages that say more after it.
import { constants } from "node:os";

/** Lines after the reason: stacks (indented, or Go's and PHP's), and what Node.js, Rust and Java add. */
const AFTERWARDS =
  /^(\s|[})\]^]+$|Node\.js v\d|note: |\.\.\. \d+ more|Stack trace:|#\d+ |goroutine \d+ \[|exit status \d+$|created by |[\w./*()-]+\(.*\)$|\[signal )/;

/** Advice for programs that expect another container: one that writes beside itself, or is another user's. */
const ADVICE: [words: RegExp, advice: string][] = [
  [/\bEROFS\b|read-only file ?system/i, "(only /tmp and the volumes of `claims` can be written)"],
  // About files. Databases and SSH use these words, too, and say more.
  [
    /\bEACCES\b|permission denied(?! (\(|for ))/i,
    `(it runs as user ${process.getuid?.()}; \`runAsUser\` chooses another)`,
  ],
];

const adviceFor = (line: string) => ADVICE.find(([words]) => words.test(line))?.[1];

/** The text of an error, with the advice at its end of line where it needs some. */
export function advised(text: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex(adviceFor);
  return at < 0 ? text : lines.with(at, `${lines[at]} ${adviceFor(lines[at]!)}`).join("\n");
}

/** Listens to a program's log for the reason of its end: the last line that is not a part of a stack. */
export class LastWords {
  #reason = "";
  #last = "";
  #advice?: string | undefined;

  add(line: string): void {
    if (line.trim() === "") return;
    this.#last = line;
    this.#advice ??= adviceFor(line);
    if (!AFTERWARDS.test(line)) this.#reason = line;
  }

  /** Nothing that was said before counts from now on. */
  clear(): void {
    this.#reason = this.#last = "";
    this.#advice = undefined;
  }

  get text(): string {
    const words = (this.#reason || this.#last).trim();
    return this.#advice === undefined ? words : `${words} ${this.#advice}`;
  }
}

/** The end of a program, and its last words. */
export function endOf(program: string, code: number | null, signal: NodeJS.Signals | null, words: string): string {
  // A shell's code for a program of its own that was ended by a signal.
  const inner = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  const cause = (signal ?? inner) === "SIGKILL" ? `${signal ?? inner}, perhaps out of memory` : (signal ?? inner);
  const how = signal ? `was ended by ${cause}` : `exited with code ${code}${inner ? ` (${cause})` : ""}`;
  return `${program} ${how}${words && `: ${words}`}`;
}
