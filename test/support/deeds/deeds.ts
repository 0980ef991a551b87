// A handler for tests: an item names the deed that is done to it, like `sleep 50`. Any other item succeeds.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DoNotRetry, TryLater, type ItemContext } from "../../../queue/index.ts";

const forever = () => new Promise(() => setInterval(() => {}, 1000));

const deeds: Record<string, (value: string, context: ItemContext) => unknown> = {
  sleep: (ms, { signal }) => sleep(Number(ms), undefined, { signal }),
  /** Does not listen to its signal. */
  deaf: (ms) => sleep(Number(ms)),
  block: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms)),
  hang: forever,
  fail: (why) => {
    throw new Error(why);
  },
  never: (why) => {
    throw new DoNotRetry(why);
  },
  reject: (why) => {
    void Promise.reject(new Error(why));
    return forever();
  },
  throw: (why) => {
    setTimeout(() => {
      throw new Error(why);
    }, 5);
    return forever();
  },
  exit: (code) => process.exit(Number(code)),
  die: (signal) => {
    process.kill(process.pid, signal);
    return forever();
  },
  garbage: (text) => {
    writeSync(3, `${text}\n`);
    return forever();
  },
  alien: () => {
    writeSync(3, '{"id":123456789,"result":1}\n');
    return forever();
  },
  later: (file) => {
    if (existsSync(file)) return "at last";
    writeFileSync(file, "");
    throw new TryLater(50);
  },
  half: (_, { progress }) => [0, 0.499, 0.4951, 1].forEach(progress),
  nan: (_, { progress }) => [0 / 0, 1 / 0].forEach(progress),
  laterEver: () => {
    throw Object.assign(new Error("no number"), { name: "TryLater", delayMs: NaN });
  },
  logged: (length, { log }) => log("x".repeat(Number(length))),
  result: (length) => "x".repeat(Number(length)),
  /** Starts a program that reads the standard input that it inherits. */
  reader: () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = spawn("timeout", ["1", "cat"], { stdio: ["inherit", "pipe", "inherit"] });
    let read = "";
    child.stdout.on("data", (data: Buffer) => (read += data.toString()));
    child.on("close", () => resolve(read));
    return promise;
  },
  closesInput: () => void process.stdin.on("data", () => {}).destroy(),
  lastWords: async (why) => {
    console.log(why);
    await sleep(50);
    process.kill(process.pid, "SIGKILL");
  },
  bigint: () => 1n,
  map: () => ({ counts: new Map([["a", 1]]) }),
  promises: () => [sleep(1, "x")],
  generator: function* () {
    yield 1;
  },
  error: (why) => new Error(why),
  function: () => sleep,
  empty: () => ({ list: [], map: {}, text: "{}" }),
  byName: (text) => void spawnSync("sh", ["-c", `echo ${text} | tee /dev/stderr > /dev/stdout`], { stdio: "inherit" }),
  progress: () => void process.stdout.write("\r10%\r50%\rdone\n"),
  print: (times) => {
    for (let line = 0; line < Number(times); line++) console.log(`line ${line} ${"x".repeat(80)}`);
    return "printed";
  },
  long: (length) => void process.stdout.write("x".repeat(Number(length))),
  longLine: (length) => console.log("x".repeat(Number(length))),
  binary: () => void process.stdout.write(Buffer.from([0, 255, 10, 128])),
  raw: (text) => void writeSync(1, text),
  bytes: (_, { bytes }) => bytes.toString("hex").slice(0, 100),
  size: (_, { bytes }) => bytes.length,
  note: (file) => appendFileSync(file, `${process.pid}\n`),
  leave,
  /** Leaves processes behind and crashes. The next attempt counts them. */
  overlap: (mark, { attempt }) => (attempt === 1 ? (leave(mark), deeds.die!("SIGKILL", undefined!)) : left(mark)),
  /** Takes more memory than this cgroup allows. */
  oom: (cgroup) => {
    writeFileSync(join(cgroup, "cgroup.procs"), String(process.pid));
    for (const all: Buffer[] = []; ;) all.push(Buffer.alloc(2 ** 20, 1));
  },
};

function leave(mark: string): void {
  spawnSync("sh", [join(import.meta.dirname, "leave.sh"), mark]);
}

const left = (mark: string) => Number(spawnSync("pgrep", ["-fc", `^sleep ${mark}$`], { encoding: "utf8" }).stdout);

export default function handle(item: string, context: ItemContext): unknown {
  const [deed, ...rest] = item.split(" ");
  return Object.hasOwn(deeds, deed!) ? deeds[deed!]!(rest.join(" "), context) : `did ${item}`;
}

export function handleBatch(items: string[]): unknown {
  if (items.includes("poison")) throw new Error("poison");
  if (items.includes("by name")) return Object.fromEntries(items.map((item) => [item, 1]));
  return items.map((item) => (item === "bad" ? new Error("a bad one") : `${item} of ${items.length}`));
}
