// Everything that a program started ends with it, also what left its process group (`setsid`, `timeout`, a detached
// browser): it inherits a variable that marks it.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Time between TERM and KILL, ms. */
export const TERM_MS = 5_000;
const POLL_MS = 20;
const MARK = "ITEM_FAMILY";

/** Families that may still have members, none of which outlives this process. */
const families = new Set<Family>();
process.on("exit", () => {
  for (const family of families) family.signal("SIGKILL");
});

/** A program and everything that it started. */
export class Family {
  readonly #mark = randomUUID();
  /** Processes that existed before. They are not looked at, since a look at each takes time. */
  readonly #others = new Set(processes());
  #group?: number;
  #end?: Promise<void>;

  /** The variable by which its members are known. */
  get env(): NodeJS.ProcessEnv {
    return { [MARK]: this.#mark };
  }

  /** The program was started, as the leader of a process group of its own. */
  begin(pid: number): void {
    this.#group = pid;
    families.add(this);
  }

  /** Ends what is left of it: TERM, then KILL after `ms`. One without members is gone at once. */
  end(ms = TERM_MS): Promise<void> {
    return (this.#end ??= this.#endAfter(ms));
  }

  async #endAfter(ms: number): Promise<void> {
    let isLeft = this.signal("SIGTERM");
    for (const end = performance.now() + ms; isLeft && performance.now() < end; isLeft = this.signal(0))
      await sleep(POLL_MS);
    // Again, until none is left: one may just have started another.
    for (let times = 0; isLeft && times < 50; times++, isLeft = this.signal(0)) {
      this.signal("SIGKILL");
      await sleep(POLL_MS);
    }
    families.delete(this);
  }

  /** Signals all members. @returns Whether there are any. */
  signal(signal: NodeJS.Signals | 0): boolean {
    // The whole group, whether its members are marked or not.
    const isGroupLeft = this.#group !== undefined && send(-this.#group, signal);
    return this.#members().reduce((isLeft, pid) => send(pid, signal) || isLeft, isGroupLeft);
  }

  #members(): number[] {
    return processes().filter((pid) => !this.#others.has(pid) && environmentOf(pid).includes(`${MARK}=${this.#mark}`));
  }
}

/** Waits until all families that got SIGTERM have ended, at most `ms`. What is left at the exit is killed. */
export async function waitForFamilies(ms: number): Promise<void> {
  for (const end = performance.now() + ms; families.size > 0 && performance.now() < end;) await sleep(POLL_MS);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** All processes that can be seen; none if the system has no `/proc`. */
function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

/** Environment of a process at its start; empty for a zombie, and for a process of another user. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}
