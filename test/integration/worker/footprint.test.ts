// Memory and start of a worker pod, compared with plain programs of the same Node.js in the same run.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { execa, type ResultPromise } from "execa";
import { stageWorker } from "../../../components/image/buildContext.ts";
import { batchSettings } from "../../../config/settings.ts";
import { bytes } from "../../../config/parse.ts";
import { programEnvironment } from "../../support/programEnvironment.ts";
import { withQueue } from "../../support/withQueue.ts";

const root = join(import.meta.dirname, "../../..");

describe("a worker pod with the shipped handler", () => {
  const queue = withQueue();
  let worker: string;
  before(() => {
    const handler = join(root, "worker/handler.ts");
    worker = resolve(stageWorker(`footprint-test-${process.pid}`, { handler, files: undefined }), "code/bin/worker.js");
  });

  const work = (workSeconds: string) =>
    execa(process.execPath, [worker], {
      env: programEnvironment({ WQ_REDIS_URL: queue.url, queue: "job2", workSeconds }),
      reject: false,
    });
  const plain = (script: string) => execa(process.execPath, ["-e", script], { reject: false });

  /** Memory of processes, bytes: with shared pages of files counted in each, and without these pages. */
  const memory = (field: "VmRSS" | "RssAnon", ...pids: number[]) =>
    pids
      .map((pid) => new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1])
      .reduce((sum, kib) => sum + 1024 * Number(kib), 0);
  const childrenOf = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  const end = async (program: ResultPromise) => {
    program.kill("SIGKILL");
    await program;
  };

  it("takes at most five times the memory of a program that does nothing, and its request has room for it", async () => {
    const idle = plain("console.log('up'); setInterval(() => {}, 1000)");
    await new Promise((resolve) => idle.stdout.once("data", resolve));
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 5_000 }, (_, n) => String(n)));
    await queue.redis.rpush(queue.k.list, "last");
    const busy = work("0.0001");
    await queue.until(async () => (await queue.places()).done > 3_000);
    const pids = [busy.pid!, ...childrenOf(busy.pid!)];
    assert.equal(pids.length, 2);
    const [pod, own, nothing] = [memory("VmRSS", ...pids), memory("RssAnon", ...pids), memory("VmRSS", idle.pid!)];
    await Promise.all([end(busy), end(idle)]);
    assert.ok(pod < 5 * nothing, `${pod} and ${nothing} bytes`);
    const { requests } = batchSettings.resources.default;
    assert.ok(own < bytes(1)("memory", requests.memory), `${own} bytes`);
  });

  it("starts its first item in at most eight times the time in which a program starts that does nothing", async () => {
    const time = async (act: () => Promise<unknown>) => {
      const since = performance.now();
      await act();
      return performance.now() - since;
    };
    const [pods, programs]: number[][] = [[], []];
    for (let round = 0; round < 7; round++) {
      programs!.push(await time(() => plain("")));
      await queue.redis.rpush(queue.k.list, `item ${round}`);
      const pod = work("60");
      pods!.push(
        await time(
          () =>
            new Promise((resolve) => pod.stdout.on("data", (data) => /Working on/.test(String(data)) && resolve(0))),
        ),
      );
      await end(pod);
      await queue.redis.flushall();
    }
    // The two take turns, and medians are compared, since single measurements are disturbed.
    const median = (times: number[]) => times.sort((a, b) => a - b)[3]!;
    const ratio = median(pods!) / median(programs!);
    assert.ok(ratio < 8, `${pods!.join()} and ${programs!.join()} ms`);
  });
});
