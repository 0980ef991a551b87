import assert from "node:assert/strict";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { execa } from "execa";
import { SeederFixture } from "../../../support/seederFixture.ts";

const CHILD = join(import.meta.dirname, "../../../support/seedChild.ts");

describe("The Seeder's memory", () => {
  const queue = SeederFixture.register("8", []);
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-memory-"));
  after(() => rmSync(dir, { recursive: true }));

  /** A gzipped file of so many items. */
  const itemsFile = async (count: number): Promise<string> => {
    const path = join(dir, `${count}.gz`);
    const lines = function* () {
      for (let first = 0; first < count; first += 10_000)
        yield Array.from({ length: 10_000 }, (_, index) => `item-${first + index}\n`).join("");
    };
    await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(path));
    return path;
  };

  /** Peak memory of a process that seeds so many, MiB. */
  const peak = async (count: number, kind: string): Promise<number> => {
    await queue.redis.flushall();
    const source = kind === "file" ? await itemsFile(count) : kind;
    const { stdout } = await execa(process.execPath, [CHILD, queue.server.url, String(count), source]);
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
