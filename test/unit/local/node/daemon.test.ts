import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { running, stop } from "../../../../local/node/daemon.ts";
import { startTime } from "../../../../kube/startTime.ts";
import { pidDir } from "../../../../local/paths.ts";

describe("pid files", () => {
  const name = `test-${process.pid}`;
  const note = (startTime: string) => {
    mkdirSync(pidDir, { recursive: true });
    writeFileSync(join(pidDir, `${name}.json`), JSON.stringify({ pid: process.pid, startTime, since: 1 }));
  };
  afterEach(() => stop(name));

  it("know a process by its pid and its start", () => {
    note(startTime(process.pid)!);
    assert.equal(running(name)?.pid, process.pid);
    note("another boot/1"); // so that stopping it does not end this test
  });

  it("are stale when the pid belongs to another process by now, and then nothing is killed", async () => {
    note("another boot/1");
    assert.equal(running(name), undefined);
    assert.equal(await stop(name), false);
  });
});
