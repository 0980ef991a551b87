// Every run of every item, as the workers noted it: in a file that only grows, outside of Redis.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** One run of an item. */
export interface Run {
  item: string;
  run: string;
  pod: string;
  /** Milliseconds since 1970, by the machine's clock. */
  start: number;
  /** Absent: it was cut short. */
  end?: number;
}

/** Reads the file as it grows. */
export class RunLog {
  readonly runs = new Map<string, Run>();
  readonly #ended = new Set<string>();
  readonly #file: number;
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.#file = openSync(path, "r");
  }

  /** Takes up what was written since the last time. @returns Number of items that were run to their end. */
  read(): number {
    const buffer = Buffer.alloc(fstatSync(this.#file).size - this.#offset);
    readSync(this.#file, buffer, 0, buffer.length, this.#offset);
    this.#offset += buffer.length;
    const lines = (this.#rest + buffer.toString()).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#take(line);
    return this.#ended.size;
  }

  #take(line: string): void {
    const [event, item, run, pod, time] = line.split(" ") as [string, string, string, string, string];
    if (event === "start") {
      this.runs.set(run, { item, run, pod, start: Number(time) });
    } else {
      this.runs.get(run)!.end = Number(time);
      this.#ended.add(item);
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
