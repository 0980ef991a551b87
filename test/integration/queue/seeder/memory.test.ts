import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";
import { SeederFixture } from "../../../support/seederFixture.ts";

const CHILD = join(import.meta.dirname, "../../../support/seedChild.ts");

describe("The Seeder's memory", function () {
  this.timeout(120_000);
  const queue = SeederFixture.register("8", []);

  /** Peak memory of a process that seeds so many, MiB. */
  const peak = async (count: number, kind: string): Promise<number> => {
    await queue.redis.flushall();
    const { stdout } = await execa(process.execPath, [CHILD, queue.server.url, String(count), kind]);
    assert.equal(await queue.redis.llen("job2"), count);
    return Number(stdout);
  };

  for (const kind of ["iterable", "stream", "file"]) {
    it(`is at 10,000,000 items at most 1.2 times that at 100,000: ${kind}`, async () => {
      const few = await peak(100_000, kind);
      const many = await peak(10_000_000, kind);
      assert.equal(many <= few * 1.2, true, `${many} MiB at 10,000,000, ${few} MiB at 100,000`);
    });
  }
});
