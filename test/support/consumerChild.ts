// node consumerChild.ts OPTIONS: a worker in a process of its own, which can be killed. An item names the deed that is
// done to it: `sleep 50`, `block 3000`, `blockat pod-1 3000`, `fail why`, `never why` (DoNotRetry), `exit`, `die`,
// `hang`, `deaf 50`, `reject why` and `throw why` (which nobody catches), `listener why` (on its signal), `odd what`
// (an error of a strange kind), `later 50` (puts it off, in half of all cases). Any other item succeeds. Prints the
// consumer's events, one line of JSON for each. OPTIONS is JSON: the options of Consumer, `graceMs`, and `sick`, a deed
// that is done to every item of this process.
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, DoNotRetry, TryLater } from "../../queue/index.ts";
import type { ConsumerOptions, Handler } from "../../queue/types.ts";

const { graceMs, sick, ...options } = JSON.parse(process.argv[2]!) as Omit<ConsumerOptions, "handler"> & {
  graceMs: number;
  sick?: string;
};

const deeds: Record<string, (value: string, context: Parameters<Handler>[1]) => unknown> = {
  sleep: (ms, { signal }) => sleep(Number(ms), undefined, { signal }),
  deaf: (ms) => sleep(Number(ms)),
  // Waits instead of computing, since ten of these at once must leave the cores to others.
  block: (ms) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  },
  blockat: (value, context) => {
    const [pod, ms] = value.split(" ") as [string, string];
    if (pod === options.pod) deeds.block!(ms, context);
  },
  fail: (why) => {
    throw new Error(why);
  },
  never: (why) => {
    throw new DoNotRetry(why);
  },
  reject: async (why) => {
    void Promise.reject(new Error(why));
    await sleep(60_000, undefined, { ref: false });
  },
  throw: async (why) => {
    setTimeout(() => {
      throw new Error(why);
    }, 5);
    await sleep(60_000, undefined, { ref: false });
  },
  listener: async (why, { signal }) => {
    signal.addEventListener("abort", () => {
      throw new Error(why);
    });
    await sleep(60_000, undefined, { ref: false });
  },
  odd: (what) => {
    throw odd(what);
  },
  exit: () => process.exit(0),
  die: () => process.kill(process.pid, "SIGKILL"),
  hang: () => new Promise(() => {}),
  later: (ms) => {
    if (Math.random() < 0.5) throw new TryLater(Number(ms));
  },
};

/** Errors that break careless code that reads errors. */
function odd(what: string): unknown {
  const error = new Error("odd");
  if (what === "circle") error.cause = error;
  if (what === "chain") {
    let cause: unknown;
    for (let depth = 0; depth < 20_000; depth++) cause = new Error(`cause ${depth}`, { cause });
    error.cause = cause;
  }
  if (what === "bare") return Object.create(null);
  if (what === "message") return Object.assign(new Error(), { message: { not: "text" }, stack: undefined });
  if (what === "getter") {
    return Object.defineProperty(error, "name", {
      get: () => {
        throw new Error("no name");
      },
    });
  }
  return error;
}

const consumer = new Consumer({
  ...options,
  handler: (item, context) => {
    const [deed, ...rest] = (sick ?? item).split(" ");
    return Object.hasOwn(deeds, deed!) ? deeds[deed!]!(rest.join(" "), context) : `did ${item}`;
  },
  onEvent: (event) =>
    process.stdout.write(
      JSON.stringify({ ...event, ...("payload" in event && { payload: String(event.payload) }) }) + "\n",
    ),
});
process.on("SIGTERM", () => void consumer.stop(graceMs));
const end = await consumer.run();
process.exitCode = { finished: 0, aborted: 0, stopped: 143, unhealthy: 70, "redis-away": 75 }[end];
