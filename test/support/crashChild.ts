// node crashChild.ts URL LOG CONCURRENCY LEASE: a worker that can be killed. Each run of an item is a line in LOG when
// it begins and one when it ends; a line is one write at the end of the file, so it is there whatever happens to this
// process or to Redis.
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "../../queue/index.ts";

const [, , url, log, concurrency, lease] = process.argv;
let atWork = false;
const file = openSync(log!, "a");

const consumer = new Consumer({
  url: url!,
  queue: "job2",
  concurrency: Number(concurrency),
  leaseMs: Number(lease),
  itemTimeoutMs: 60_000,
  retry: { maxAttempts: 3, backoff: { min: 10, max: 100 } },
  maxResultBytes: 1024,
  keepResults: "all",
  keepLogs: "failed",
  maxLosses: 3,
  pod: `pod-${process.pid}`,
  node: "node-1",
  handler: async (item) => {
    writeSync(file, `begin ${process.pid} ${item}\n`);
    if (!atWork) process.send!("at work");
    atWork = true;
    await sleep(5 + Math.random() * 45);
    writeSync(file, `end ${process.pid} ${item}\n`);
    return item.length;
  },
});
process.once("SIGTERM", () => void consumer.stop(20)); // short: some items are released, some finish
const end = await consumer.run();
process.exitCode = end === "finished" ? 0 : 1;
