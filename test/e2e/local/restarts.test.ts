// Runs alone: it restarts the platform.
// Full run only: it takes minutes, and each `npm start` begins so.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { running } from "../../../local/node/daemon.ts";
import { leftovers } from "../../support/leftovers.ts";
import { killNode, nodeNames } from "../../support/nodes.ts";
import { withPinger } from "../../support/pinger.ts";
import { platform } from "../../support/platform.ts";

describe("the local platform", function () {
  this.timeout(30 * 60_000);
  const { ping, ready } = withPinger(`platform-test-${process.pid}`);

  it("comes back after a kill -9 of the kubelet and of the API server", async () => {
    for (const name of ["kubelet", "apiserver"]) process.kill(running(name)!.pid, "SIGKILL");
    await sleep(200);
    assert.equal((await platform("status")).exitCode, 1);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    assert.match(up.all, /kubelet: started/);
    assert.equal(await ping(), "PONG");
  });

  it("lets a second `up` wait, and say so", async () => {
    const [first, second] = await Promise.all([platform("up"), platform("up")]);
    assert.deepEqual([first.exitCode, second.exitCode], [0, 0]);
    assert.match(`${first.all}${second.all}`, /another `platform` command is at work on this machine; waiting for it/);
  });

  it("leaves no process, mount, link, rule or cgroup behind when it goes, three times, and comes back with its pods", async () => {
    const forwarding = "/proc/sys/net/ipv4/ip_forward";
    const found = readFileSync(forwarding, "utf8");
    for (let turn = 0; turn < 3; turn++) {
      // A node that was killed leaves nothing behind either.
      if (turn === 1) await killNode(nodeNames[1]!);
      const down = await platform("down");
      assert.equal(down.exitCode, 0, down.all);
      assert.deepEqual(await leftovers(), []);
      if (turn > 0) assert.equal(readFileSync(forwarding, "utf8").trim(), "0", "as it was found");
      writeFileSync(forwarding, "0");
      const up = await platform("up");
      assert.equal(up.exitCode, 0, up.all);
      await ready();
    }
    writeFileSync(forwarding, found);
  });
});
