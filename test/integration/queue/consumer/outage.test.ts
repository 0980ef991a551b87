// Runs first: it waits for minutes, and computes for seconds.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { connect, QueueAdmin } from "../../../../queue/index.ts";
import { type Child, startConsumer } from "../../../support/consuming.ts";
import { gateProxy } from "../../../support/gateProxy.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";

const AOF = ["--appendonly", "yes", "--appendfsync", "always"];
const working = ({ type }: { type: string }) => type === "working";
const reasons = ({ events }: Child) => events.flatMap(({ type, why }) => (type === "redis" && why ? [why] : []));

describe("Redis away", () => {
  let server: TestRedis;
  beforeEach(async () => void (server = await startRedis({ args: AOF })));
  afterEach(() => server.stop());

  async function fill(...items: string[]): Promise<void> {
    const redis = await connect(server.url);
    await redis.rpush("job2", ...items);
    redis.disconnect();
  }
  async function counts() {
    const admin = await QueueAdmin.open(server.url, "job2");
    const { state, done, dead, lost, waiting } = await admin.counts();
    await admin.close();
    return { state, done, dead, lost, waiting };
  }
  async function restart(afterMs: number, meanwhile?: () => void): Promise<void> {
    await server.kill();
    await sleep(afterMs / 2);
    meanwhile?.();
    await sleep(afterMs / 2);
    await server.restart();
  }

  it("costs no item in flight anything, however long and how often", async () => {
    await fill("deaf 12000", "deaf 12000", "apple");
    const workers = ["a", "b"].map((pod) => startConsumer(server.url, { leaseMs: 2_000, maxDowntimeMs: 1_000, pod }));
    await Promise.all(workers.map((worker) => worker.saw(working)));
    await restart(4_000);
    await sleep(1_000);
    await restart(4_000);
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    assert.deepEqual(
      ends.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(workers.flatMap(({ events }) => events.filter(working)).length, 3);
    assert.deepEqual(await counts(), { state: "finished", done: 3, dead: 0, lost: 0, waiting: 0 });
  });

  it("loses no outcome: what ended meanwhile is recorded when Redis is back", async () => {
    await fill("deaf 1000", "apple");
    const worker = startConsumer(server.url, { leaseMs: 2_000, maxDowntimeMs: 500 });
    await worker.saw(working);
    await restart(5_000);
    assert.equal((await worker.ended).code, 0);
    assert.equal(worker.events.filter(working).length, 2);
    assert.deepEqual(await counts(), { state: "finished", done: 2, dead: 0, lost: 0, waiting: 0 });
  });

  it("does not blame an item whose worker died meanwhile", async () => {
    await fill("deaf 3000");
    for (let times = 1; times <= 4; times++) {
      const doomed = startConsumer(server.url, { leaseMs: 2_000, pod: `pod-${times}` });
      await doomed.saw(working);
      await restart(3_000, () => doomed.signal("SIGKILL"));
    }
    const worker = startConsumer(server.url, { leaseMs: 2_000 });
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual(await counts(), { state: "finished", done: 1, dead: 0, lost: 0, waiting: 0 });
  });

  it("does not blame it either if Redis only could not be reached", async () => {
    const proxy = await gateProxy(server.port);
    // This worker lives all the time, but has no free slot.
    await fill("deaf 600000");
    const holder = startConsumer(proxy.url, { leaseMs: 2_000, pod: "holder" });
    await holder.saw(working);
    for (let times = 1; times <= 4; times++) {
      await fill(`deaf 2${times}00`);
      const doomed = startConsumer(proxy.url, { leaseMs: 2_000, pod: `pod-${times}` });
      await doomed.saw(working);
      proxy.close();
      doomed.signal("SIGKILL");
      await sleep(3_000);
      proxy.open();
      await sleep(2_500);
    }
    const survivor = startConsumer(proxy.url, { leaseMs: 2_000, pod: "survivor" });
    while ((await counts()).done < 4) await sleep(100);
    const { done, dead, lost } = await counts();
    assert.deepEqual({ done, dead, lost }, { done: 4, dead: 0, lost: 0 });
    for (const worker of [survivor, holder]) worker.signal("SIGKILL");
    await Promise.all([survivor.ended, holder.ended]);
    await proxy.end();
  });

  it("makes a worker without items leave, with the real reason and a code other than 0", async () => {
    await fill("apple", "deaf 60000");
    const holder = startConsumer(server.url, { pod: "holder", concurrency: 2, maxDowntimeMs: 500 });
    await holder.saw(({ payload, type }) => type === "working" && payload === "deaf 60000");
    const idle = startConsumer(server.url, { maxDowntimeMs: 1_000 });
    await idle.saw(({ type }) => type === "waiting");
    await server.kill();
    assert.equal((await idle.ended).code, 75);
    assert.match(reasons(idle).at(-1)!, /^Redis was away for 1 s: connect ECONNREFUSED 127/);
    for (const why of [...reasons(idle), ...reasons(holder)]) assert.doesNotMatch(why, /writeable|max retries/);
    assert.ok(!holder.events.some(({ type }) => type === "ended"), "the one that holds an item waits");
    holder.signal("SIGKILL");
    await holder.ended;
  });

  it("does not keep a worker that was told to stop", async () => {
    await fill("hang");
    const worker = startConsumer(server.url, { maxDowntimeMs: 500 });
    await worker.saw(working);
    await server.kill();
    worker.signal("SIGTERM");
    assert.equal((await worker.ended).code, 75);
  });

  it("makes a worker leave after a change of the password, so that its next process reads the new one", async () => {
    await fill("sleep 60000");
    const worker = startConsumer(server.url.replace("redis://", "redis://:old@"), { maxDowntimeMs: 1_000 });
    await worker.saw(working);
    await server.kill();
    await server.restart(["--requirepass", "new"]);
    const { code } = await worker.ended;
    assert.equal(code, 75);
    assert.match(reasons(worker).at(-1)!, /^Redis refused the connection for 1 s: WRONGPASS .*; check the password$/);
  });

  it("makes workers wait while its disk is full, say so, and go on when there is room", async () => {
    const disk = mkdtempSync(join(tmpdir(), "job-wq-2-disk-"));
    await execa("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", disk]);
    const full = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "everysec"], dir: disk });
    try {
      const redis = await connect(full.url);
      await redis.rpush("job2", ...Array.from({ length: 40 }, () => "sleep 50"));
      redis.disconnect();
      const worker = startConsumer(full.url, { leaseMs: 2_000, maxDowntimeMs: 1_000 });
      await worker.saw(({ type }) => type === "done");
      const junk = join(disk, "junk");
      await execa("dd", ["if=/dev/zero", `of=${junk}`, "bs=64k"], { reject: false });
      await worker.saw(({ type, up }) => type === "redis" && up === false);
      assert.match(reasons(worker)[0]!, /^MISCONF .*No space left/);
      await sleep(4_000);
      rmSync(junk);
      const { code, stderr } = await worker.ended;
      assert.deepEqual([code, stderr], [0, ""]);
      const admin = await QueueAdmin.open(full.url, "job2");
      const { done, lost } = await admin.counts();
      assert.deepEqual({ done, lost }, { done: 40, lost: 0 });
      assert.equal(worker.events.filter(working).length, 40, "none ran twice");
      await admin.close();
    } finally {
      await full.stop();
      await execa("umount", [disk]);
      rmSync(disk, { recursive: true });
    }
  });
});
