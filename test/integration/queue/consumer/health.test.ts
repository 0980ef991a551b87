import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { LeaseTable } from "../../../../queue/consumer/leases/leaseTable.ts";
import { Health } from "../../../../queue/consumer/leases/health.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { freePort } from "../../../support/freePort.ts";
import { withQueue } from "../../../support/withQueue.ts";

describe("the health of a worker", () => {
  const queue = withQueue();

  const ask = async (port: number, path: string) =>
    (await fetch(`http://127.0.0.1:${port}/${path}`).catch(() => undefined))?.status;

  it("is ready while it has something in flight, also while a handler blocks its event loop", async () => {
    const [busyPort, idlePort] = [await freePort(), await freePort()];
    await queue.redis.rpush(queue.k.list, "block 6000");
    const busy = startConsumer(queue.url, { leaseMs: 2_000, healthPort: busyPort });
    await busy.saw(({ type }) => type === "working");
    const idle = startConsumer(queue.url, { leaseMs: 2_000, healthPort: idlePort });
    await queue.until(async () => (await ask(idlePort, "live")) === 200);
    assert.deepEqual([await ask(busyPort, "ready"), await ask(busyPort, "live")], [200, 200]);
    assert.deepEqual([await ask(idlePort, "ready"), await ask(idlePort, "other")], [503, 404]);
    assert.deepEqual([(await busy.ended).code, (await idle.ended).code], [0, 0]);
  });

  it("stays ready for three seconds after an item, and is live until the loop stood still for 30 s more than an item may take", async () => {
    const leases = new LeaseTable(1);
    const health = new Health(leases, 10_000);
    assert.equal(health.isReady, false);
    const row = leases.add({ id: 1, call: 1, failures: 0 });
    assert.equal(health.isReady, true);
    leases.remove(row);
    assert.equal(health.isReady, true);
    await sleep(3_050);
    assert.equal(health.isReady, false);
    leases.tick(leases.now - 39_000);
    assert.equal(health.isLive, true);
    leases.tick(leases.now - 40_001);
    assert.equal(health.isLive, false);
  });
});
