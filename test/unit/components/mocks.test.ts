// The components in a unit test of somebody's program, with the mocks of Pulumi's documentation: each resource has the
// properties that it was given.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "../../../components/index.ts";
import { startMocks } from "../../support/mockProgram.ts";

const require = createRequire(import.meta.url);

/** Another copy of the SDK, as in a workspace with two versions of it. */
function otherCopy(): typeof pulumi {
  const loaded = { ...require.cache };
  for (const path of Object.keys(loaded)) if (path.includes("/@pulumi/pulumi/")) delete require.cache[path];
  const copy = require("@pulumi/pulumi") as typeof pulumi;
  Object.assign(require.cache, loaded);
  return copy;
}

const valueOf = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => output.apply(resolve));

describe("a program under test", () => {
  after(startMocks);

  for (const [of, sdk] of [
    ["its own SDK", () => pulumi],
    ["another copy of the SDK", otherCopy],
  ] as const)
    it(`has an outcome and a Redis, with mocks of ${of}`, async () => {
      await sdk().runtime.setMocks({
        newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
        call: ({ inputs }) => inputs as Record<string, unknown>,
      });
      const redis = new Redis("redis", { namespace: "fruits" });
      const image = new WorkerImage("worker", { image: "reg.example.com/x:1" });
      const batch = new Batch("work", { redis, image, items: ["a"], command: ["true"], finish: ["cat"] });
      const data = { done: batch.counts.apply(({ done }) => String(done)) };
      const after = new k8s.core.v1.ConfigMap("after", { data }, { dependsOn: batch });
      assert.deepEqual(await valueOf(after.data), { done: "0" });
      assert.deepEqual(
        await Promise.all([valueOf(batch.failed), valueOf(batch.seconds), valueOf(batch.finish!), batch.done]),
        [[], 0, "", undefined],
      );
      assert.equal((await valueOf(redis.reference)).location.pod, "redis-master");
    });

  it("has a secret outcome, except for its numbers, if its items are secret", async () => {
    await pulumi.runtime.setMocks({
      newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
      call: ({ inputs }) => inputs as Record<string, unknown>,
    });
    const redis = new Redis("redis", { namespace: "fruits" });
    const image = new WorkerImage("worker", { image: "reg.example.com/x:1" });
    const secretsOf = async (name: string, item: pulumi.Input<string>) => {
      const batch = new Batch(name, { redis, image, items: [item], command: ["true"], finish: ["cat"] });
      const outcome = [batch.failed, batch.finish!, batch.counts, batch.seconds];
      return Promise.all(outcome.map((output) => pulumi.isSecret<unknown>(output)));
    };
    assert.deepEqual(await secretsOf("secret", pulumi.secret("hush")), [true, true, false, false]);
    assert.deepEqual(await secretsOf("plain", pulumi.output("a")), [false, false, false, false]);
  });
});
