import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { TestRedis } from "../test/support/redis.ts";
import type { Task } from "./child.ts";

/** One line of the result. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The other system, or a limit, with its value. */
  against: string;
  /** Ratio to that: more than 1 is better, whatever the unit. Null if nothing is compared. */
  ratio: number | null;
  /** The lowest ratio that passes. */
  floor: number | null;
  /** The ratio that we aim at. */
  goal?: number;
  ok: boolean;
}

/** Tools of every measurement. */
export interface Bench {
  redis: TestRedis;
  client: Redis;
  /** Measurements of each, of which the median counts. */
  rounds: number;
  /** Scales numbers of items: 1, or less for a quick look. */
  scale: number;
  /** Prints what is being measured, while there is no result yet. */
  say(what: string): void;
}

/** A figure with its verdict. */
export function figure(
  name: string,
  value: number,
  unit: string,
  compared?: { with: string; ratio: number; floor?: number; goal?: number },
): Figure {
  const { with: against = "", ratio = null, floor = null, goal } = compared ?? {};
  const ok = floor === null || (ratio !== null && ratio >= floor);
  return { name, value, unit, against, ratio, floor, ...(goal !== undefined && { goal }), ok };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Numbers as a person reads them. */
export function text(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** An empty Redis that has nothing left to do: no rewrite of its log competes with what is measured next. */
export async function clean({ client }: Bench): Promise<void> {
  await client.flushall("SYNC");
  await quiet(client); // Redis may have begun a rewrite by itself
  await client.bgrewriteaof();
  await quiet(client);
}

/** Waits until Redis rewrites nothing. */
export async function quiet(client: Redis): Promise<void> {
  do await sleep(50);
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info("persistence")));
}

/** Starts a child with its task. */
export function start(task: Task): { child: ChildProcess; answer: () => Promise<number> } {
  const child = fork(join(import.meta.dirname, "child.ts"));
  child.send(task);
  const answer = async () => {
    const ended = once(child, "exit").then(([code]) => [{ error: `the child ended with ${code}` }]);
    const [{ result, error }] = (await Promise.race([once(child, "message"), ended])) as [
      { result?: number; error?: string },
    ];
    if (error !== undefined) throw new Error(`${JSON.stringify(task)}: ${error}`);
    return result!;
  };
  return { child, answer };
}

/** One measurement: in a new process, on a clean Redis. */
export async function measure(bench: Bench, task: Task): Promise<number> {
  await clean(bench);
  return start(task).answer();
}

/** Medians of several measurements. They take turns, so that a slow minute of the machine affects all of them. */
export async function alternate<Name extends string>(
  bench: Bench,
  what: string,
  measurements: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(measurements) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 1; round <= bench.rounds; round++) {
    for (const name of names) {
      bench.say(`${what}, ${name}, ${round} of ${bench.rounds}`);
      values[name].push(await measurements[name]());
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(values[name])])) as Record<Name, number>;
}
