import assert from "node:assert/strict";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { connect, QueueAdmin } from "../../../../queue/index.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { gateProxy } from "../../../support/gateProxy.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";

function aofOf(server: TestRedis): string {
  const dir = join(server.dir, "appendonlydir");
  return join(
    dir,
    readdirSync(dir).find((name) => name.endsWith(".incr.aof"))!,
  );
}

describe("the end of a batch", () => {
  it("is not believed if Redis forgets it: the worker goes on until the batch is really over", async () => {
    const server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "everysec"] });
    const proxy = await gateProxy(server.port);
    const redis = await connect(server.url);
    await redis.rpush("job2", "a", "b", "c");
    await redis.call("WAITAOF", 1, 0, 0);
    const kept = statSync(aofOf(server)).size;
    redis.disconnect();
    let forgotten: Promise<void> | undefined;
    proxy.onRequest = (text) => {
      if (forgotten || !/WAITAOF/i.test(text)) return;
      // The host of Redis dies before the log is on disk.
      forgotten = server.kill().then(() => {
        truncateSync(aofOf(server), kept);
        return server.restart();
      });
    };
    const worker = startConsumer(proxy.url);
    const { code } = await worker.ended;
    await forgotten;
    const admin = await QueueAdmin.open(server.url, "job2");
    const { state, done, waiting } = await admin.counts();
    assert.deepEqual({ code, state, done, waiting }, { code: 0, state: "finished", done: 3, waiting: 0 });
    const runs = worker.events.filter(({ type }) => type === "working").map(({ payload }) => payload);
    assert.deepEqual(runs, ["a", "b", "c", "a", "b", "c"]);
    await admin.close();
    await proxy.end();
    await server.stop();
  });

  it("is waited for while the disk of Redis takes long, on the same connection", async () => {
    const server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "everysec"] });
    const proxy = await gateProxy(server.port);
    const redis = await connect(server.url);
    await redis.rpush("job2", "a");
    redis.disconnect();
    let connections = 0;
    proxy.onRequest = (text) => {
      if (connections || !/WAITAOF/i.test(text)) return;
      connections = proxy.connections;
      // Six leases, and longer than the worker waits for any other reply.
      setTimeout(proxy.hold("replies"), 6_000);
    };
    const worker = startConsumer(proxy.url, { leaseMs: 1_000 });
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual(
      worker.events.filter(({ type }) => type === "redis"),
      [],
    );
    assert.ok(connections > 0);
    assert.equal(proxy.connections, connections);
    await proxy.end();
    await server.stop();
  });

  it("is on disk before it is believed: a Redis killed right after still knows it", async () => {
    const server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "everysec"] });
    const redis = await connect(server.url);
    await redis.rpush("job2", ...Array.from({ length: 100 }, (_, n) => `apple ${n}`));
    redis.disconnect();
    const worker = startConsumer(server.url, { concurrency: 32 });
    await worker.saw(({ type }) => type === "ended");
    await server.kill();
    await server.restart();
    const admin = await QueueAdmin.open(server.url, "job2");
    const { state, done } = await admin.counts();
    assert.deepEqual({ state, done }, { state: "finished", done: 100 });
    assert.equal((await worker.ended).code, 0);
    await admin.close();
    await server.stop();
  });
});
