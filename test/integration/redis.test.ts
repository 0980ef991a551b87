import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { startRedis } from "../support/redis.ts";

for (const version of ["8", "7.0"] as const) {
  describe(`the Redis of the tests, ${version}`, function () {
    this.timeout(120_000); // the first time it is fetched

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
  });
}
