import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisPodSpec } from "../../../components/redis/redisPodSpec.ts";
import { connect } from "../../../queue/index.ts";
import { runFruits, wq } from "../../support/fruits.ts";
import { startRedis } from "../../support/redis.ts";

const PASSWORD = "s3cret";

/** Variables of the container, as its pod has them. */
function containerEnv(): Record<string, string> {
  const given = { image: "redis:8", memory: "256Mi", memoryBytes: 2 ** 28, passwordSecret: "redis", hasClaim: false };
  const env = (redisPodSpec(given).containers as { env: { name: string; value?: string }[] }[])[0]!.env;
  const values = env.map(({ name, value }) => [name, (value ?? PASSWORD).replace("$(REDISCLI_AUTH)", PASSWORD)]);
  return Object.fromEntries(values) as Record<string, string>;
}

for (const version of ["8", "7.0", "valkey"] as const) {
  it(`the user of Redis does the queue's work, and nothing else, ${version}`, async () => {
    const server = await startRedis({ version, env: containerEnv() });
    const url = server.url.replace("//", `//:${PASSWORD}@`);
    const redis = new Redis(url);
    try {
      assert.ok(!readFileSync(`/proc/${server.pid}/cmdline`, "utf8").includes(PASSWORD));
      await runFruits(url);
      const verbs = [["status"], ["results"], ["list"], ["retry"], ["pause"], ["resume"], ["purge", "job2", "--force"]];
      for (const verb of verbs) {
        const { stderr } = await wq(url, ...verb);
        assert.equal(stderr, "", verb[0]);
      }
      for (const command of [
        "FLUSHALL",
        "CONFIG GET *",
        "REPLICAOF 127.0.0.1 1",
        "SHUTDOWN",
        "ACL LIST",
        "BGREWRITEAOF",
      ])
        await assert.rejects(redis.call(...(command.split(" ") as [string])), /NOPERM/, command);
      await assert.rejects(redis.eval("return redis.call('FLUSHALL')", 0), /NOPERM|ACL|can't run this command/);
      await assert.rejects(connect(server.url, 1_000), /password|NOAUTH/);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });

  it(`a user of one queue, as docs/operations.md sets it up, does that one's work alone, ${version}`, async () => {
    const page = readFileSync(join(import.meta.dirname, "../../../docs/operations.md"), "utf8");
    const rule = /ACL SETUSER (.*)/.exec(page)![1]!.replaceAll("thumbs", "job2").replace("PASSWORD", PASSWORD);
    const server = await startRedis({ version, env: { REDIS_CONFIG: `user ${rule}` } });
    const url = server.url.replace("//", `//job2:${PASSWORD}@`);
    const redis = new Redis(url);
    try {
      await runFruits(url);
      for (const verb of [["status"], ["results"], ["list"], ["retry"], ["purge", "job2", "--force"]])
        assert.equal((await wq(url, ...verb)).stderr, "", verb[0]);
      for (const command of ["LRANGE films 0 -1", "HGETALL {films}:batch", "SUBSCRIBE {films}:log", "FLUSHALL"])
        await assert.rejects(redis.call(...(command.split(" ") as [string])), /NOPERM/, command);
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });
}

for (const version of ["8", "7.0"] as const) {
  describe(`the Redis of the tests, ${version}`, () => {
    it("is that version, keeps its log over a SIGKILL, and leaves nothing behind", async () => {
      const server = await startRedis({ version, args: ["--appendonly", "yes", "--appendfsync", "always"] });
      try {
        const redis = new Redis(server.url);
        assert.match(await redis.info("server"), new RegExp(`redis_version:${version.replace(".", "\\.")}\\.`));
        await redis.rpush("job2", "apple", "banana");
        redis.disconnect();
        const { pid } = server;
        await server.kill();
        assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
        await server.restart();
        assert.notEqual(server.pid, pid);
        const again = new Redis(server.url);
        assert.deepEqual(await again.lrange("job2", 0, -1), ["apple", "banana"]);
        again.disconnect();
      } finally {
        await server.stop();
      }
      assert.equal(existsSync(server.dir), false);
    });

    it("forgets a transaction that is cut at the end of its log, and brings nothing of it back later", async () => {
      const server = await startRedis({ version, args: ["--appendonly", "yes", "--appendfsync", "always"] });
      const log = join(server.dir, "appendonlydir", "appendonly.aof.1.incr.aof");
      const take = 'redis.call("LPOP", "job2") redis.call("HSET", "items", "1", "apple")';
      let redis = new Redis(server.url);
      try {
        await redis.rpush("job2", "apple", "banana", "cherry");
        const whole = statSync(log).size;
        await redis.eval(take, 0);
        const whole2 = statSync(log).size;
        const bytes = readFileSync(log);
        // Cuts at each byte of the last two commands, and at some of the first.
        for (let size = whole2 - 1; size > whole; size -= size > whole2 - 50 ? 1 : 20) {
          redis.disconnect();
          await server.kill();
          writeFileSync(log, bytes.subarray(0, size));
          await server.restart();
          redis = new Redis(server.url);
          assert.deepEqual(await redis.lrange("job2", 0, -1), ["apple", "banana", "cherry"], `cut at ${size}`);
          await redis.eval(take, 0);
          redis.disconnect();
          await server.kill();
          await server.restart();
          redis = new Redis(server.url);
          assert.deepEqual(await redis.lrange("job2", 0, -1), ["banana", "cherry"], `cut at ${size}, and again`);
        }
      } finally {
        redis.disconnect();
        await server.stop();
      }
    });

    it("does not start with a log that is damaged in the middle, and leaves it as it is", async () => {
      const server = await startRedis({ version, args: ["--appendonly", "yes", "--appendfsync", "always"] });
      const log = join(server.dir, "appendonlydir", "appendonly.aof.1.incr.aof");
      const redis = new Redis(server.url);
      try {
        for (let take = 0; take < 3; take++) await redis.eval('redis.call("INCR", "a") redis.call("INCR", "b")', 0);
        redis.disconnect();
        await server.kill();
        const bytes = readFileSync(log).toString("latin1");
        const damaged = bytes
          .replace("*2\r\n$4\r\nincr", "*2\r\n?4\r\nincr")
          .replace("*2\r\n$4\r\nINCR", "*2\r\n?4\r\nINCR");
        assert.notEqual(damaged, bytes);
        writeFileSync(log, damaged, "latin1");
        await assert.rejects(server.restart(), /Bad file format reading the append only file/);
        assert.equal(readFileSync(log).toString("latin1"), damaged);
      } finally {
        redis.disconnect();
        await server.stop();
      }
    });
  });
}
