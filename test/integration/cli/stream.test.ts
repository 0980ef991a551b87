import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { execa } from "execa";
import { Consumer, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

describe("results of many items", function () {
  this.timeout(900_000); // a million items and more

  let redis: TestRedis;
  before(async () => void (redis = await startRedis()));
  after(() => redis?.stop());

  /** Works through this many items, each with a result. */
  async function work(queue: string, items: number): Promise<void> {
    const names = {
      *[Symbol.iterator]() {
        for (let i = 1; i <= items; i++) yield `item-${i}`;
      },
    };
    await new Seeder({ url: redis.url, queue }).seed(names, { owner: "a/b", run: "1", seedId: "1" });
    const handler = (item: string, { id }: { id: number }) => ({ item, id });
    const consumer = new Consumer({ ...quick(redis.url), leaseMs: 30_000, queue, concurrency: 256, handler });
    assert.equal(await consumer.run(), "finished");
  }

  /**
   * Reads `results` as a program would.
   * @returns The number of rows, if they are in order, and the peak memory of the command, KiB.
   */
  async function read(queue: string): Promise<{ rows: number; peak: number }> {
    const env = { ...process.env, WQ_REDIS_URL: redis.url };
    const child = spawn(process.execPath, [wqScript, "results", "--queue", queue], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    let peak = 0;
    const look = () => {
      // At the very end, the process is gone.
      const [, kib = 0] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? [];
      peak = Math.max(peak, Number(kib));
    };
    let rows = 0;
    let rest = "";
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        if (!line.startsWith(`{"id":${++rows},"item":"item-${rows}","outcome":"done","result":{`)) assert.fail(line);
      }
      if (rows % 1_000 < lines.length) look();
    }
    assert.deepEqual(await ended, [0, null]);
    return { rows, peak };
  }

  it("takes no more memory for 1,200,000 than for 400,000", async () => {
    await work("some", 400_000);
    await work("many", 1_200_000);
    const some = await read("some");
    const many = await read("many");
    assert.deepEqual([some.rows, many.rows], [400_000, 1_200_000]);
    assert.ok(many.peak < 1.3 * some.peak, `${some.peak} KiB, ${many.peak} KiB`);
  });

  it("ends quietly when its reader has seen enough", async () => {
    const command = `'${process.execPath}' '${wqScript}' results --queue some | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await execa("bash", ["-c", command], { env: { WQ_REDIS_URL: redis.url } });
    assert.deepEqual([stdout.split("\n").length, stdout.split("\n")[1], stderr], [2, "0", ""]);
  });
});
