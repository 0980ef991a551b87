// The reason why a program ended, from its log, with advice where it expects another container.
import { constants } from "node:os";
import { isAftermath } from "../../config/lastLine.ts";

/** The way out, by words of a log. */
const ADVICE: [words: RegExp, advice: string][] = [
  [
    /(ENOENT|No such file|Cannot find module).*\/job-wq-2\/code\//,
    "(only a handler's code comes with it: other files belong into `files`, or into a `baseImage`)",
  ],
  [/No space left on device.*\/dev\/shm|shared memory \(shm\)/, "(`sharedMemory` sets the size of /dev/shm)"],
  [/\bEROFS\b|read-only file ?system/i, "(only /tmp and the volumes of `claims` can be written)"],
  // About files. Databases and SSH use these words, too, and say more.
  [
    /\bEACCES\b|permission denied(?! (\(|for ))|getpwuid|No user exists for uid|cannot find name for user ID/i,
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
    if (!isAftermath(line)) this.#reason = line;
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

/** Signals that mostly have the same cause. */
const PERHAPS: Record<string, string> = {
  SIGKILL: "perhaps out of memory",
  SIGBUS: "perhaps out of shared memory (`sharedMemory`)",
};

/** The end of a program, and its last words. */
export function endOf(program: string, code: number | null, signal: NodeJS.Signals | null, words: string): string {
  // A shell's code for a program of its own that was ended by a signal.
  const inner = Object.entries(constants.signals).find(([, number]) => code === 128 + number)?.[0];
  const ended = signal ?? inner;
  const cause = ended && [ended, PERHAPS[ended]].filter(Boolean).join(", ");
  const how = signal ? `was ended by ${cause}` : `exited with code ${code}${inner ? ` (${cause})` : ""}`;
  return `${program} ${how}${words && `: ${words}`}`;
}
