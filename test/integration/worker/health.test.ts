import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ItemContext } from "../../../queue/index.ts";
import { Health } from "../../../worker/health.ts";
import { freePort } from "../../support/freePort.ts";

describe("the health of a worker", () => {
  it("is ready while it has something in flight, and three seconds longer", async () => {
    const port = await freePort();
    const health = new Health();
    health.serve(port);
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}/${path}`)).status;
    assert.deepEqual([await ask("ready"), await ask("live"), await ask("other")], [503, 200, 404]);
    let end!: () => void;
    const handler = health.watched(() => new Promise<void>((resolve) => (end = resolve)));
    const done = handler("apple", {} as ItemContext) as Promise<void>;
    assert.equal(await ask("ready"), 200);
    end();
    await done;
    assert.equal(await ask("ready"), 200);
    await sleep(3_050);
    assert.equal(await ask("ready"), 503);
  });
});
