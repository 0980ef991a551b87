// The reason why a program ended, from its log.
import { constants } from "node:os";
import { isAftermath } from "../../config/lastLine.ts";
import { adviceFor } from "./advice.ts";

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
