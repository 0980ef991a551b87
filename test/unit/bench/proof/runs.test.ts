import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunLog } from "../../../../bench/proof/runs.ts";

describe("the file of runs", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-runs-"));
  after(() => rmSync(dir, { recursive: true }));

  it("is read as it grows, even if a line is written in two parts", () => {
    const path = join(dir, "log");
    writeFileSync(path, "start 1 a pod 100\nstart 2 b pod 100\nend 1 a p");
    const log = new RunLog(path);
    assert.equal(log.read(), 0);
    appendFileSync(path, "od 150\n");
    assert.equal(log.read(), 1);
    assert.equal(log.read(), 1);
    assert.deepEqual(log.runs.get("a"), { item: "1", run: "a", pod: "pod", start: 100, end: 150 });
    assert.equal(log.runs.get("b")!.end, undefined);
    log.close();
  });

  it("counts an item that ended twice once", () => {
    const path = join(dir, "twice");
    writeFileSync(path, "start 1 a p 1\nend 1 a p 2\nstart 1 b p 3\nend 1 b p 4\n");
    const log = new RunLog(path);
    assert.equal(log.read(), 1);
    log.close();
  });
});
