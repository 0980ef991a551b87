// These tests wait for seconds, so they are not among the unit tests.
import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { outputRead } from "../../../../worker/command/output.ts";

describe("outputRead", () => {
  const fakeChild = () => {
    const stdout = new PassThrough();
    const child = Object.assign(new EventEmitter(), { stdout, stderr: new PassThrough() });
    const read: string[] = [];
    stdout.on("data", (chunk: Buffer) => read.push(String(chunk)));
    return { child: child as unknown as ChildProcessWithoutNullStreams, stdout, read };
  };
  const never = new Promise<never>(() => {});

  it("waits for the pipes to be closed, and no longer", async () => {
    const closed = sleep(200, "closed");
    const order: string[] = [];
    await Promise.all([
      closed.then((what) => order.push(what)),
      outputRead(fakeChild().child, closed).then(() => order.push("read")),
      outputRead(fakeChild().child, never).then(() => order.push("read another that is only quiet")),
    ]);
    assert.deepEqual(order, ["closed", "read", "read another that is only quiet"]);
  });

  it("loses nothing if the event loop was held longer than it waits", async () => {
    const { child, stdout, read } = fakeChild();
    const done = outputRead(child, never);
    // Another handler computes for 1.5 s. The program's output is read afterwards.
    for (const end = performance.now() + 1_500; performance.now() < end;);
    await sleep(300);
    stdout.write("late");
    await done;
    assert.deepEqual(read, ["late"]);
  });

  it("does not wait for what holds a pipe open and is quiet for a second", async () => {
    const { child, stdout } = fakeChild();
    await outputRead(child, never);
    assert.equal(stdout.destroyed, true);
  });

  it("does not wait for ever for what goes on writing", async () => {
    const { child, stdout } = fakeChild();
    const writing = setInterval(() => stdout.destroyed || stdout.write("again"), 100);
    await outputRead(child, never);
    clearInterval(writing);
  });
});
