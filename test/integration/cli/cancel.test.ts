import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { Seeder } from "../../../queue/index.ts";
import { startConsumer } from "../../support/consuming.ts";
import { wq } from "../../support/fruits.ts";
import { withQueue } from "../../support/withQueue.ts";

describe("wq cancel", () => {
  const t = withQueue();
  const seed = (seedId: string) =>
    new Seeder({ url: t.url, queue: "job2" }).seed(["sleep 60000", "waits", "thumbs/a", "thumbs/b"], {
      owner: "a/b",
      run: "1",
      seedId,
    });
  const cancel = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await wq(t.url, "cancel", ...args);
    return [exitCode, stdout, stderr];
  };

  it("gives up items that wait or are in flight, names who did it, and a retry takes it back", async () => {
    await seed("1");
    const worker = startConsumer(t.url, { leaseMs: 60_000 });
    await worker.saw(({ type }) => type === "working");
    assert.deepEqual(await cancel("--match", "thumbs/"), [0, "Cancelled 2 items.", ""]);
    assert.deepEqual(await cancel("waits", "--json"), [0, '{"queue":"job2","cancelled":1}', ""]);
    assert.deepEqual(await cancel("nosuch"), [1, "Nothing to cancel: nosuch is not there, or is over.", ""]);
    assert.deepEqual(await cancel("--all"), [0, "Cancelled 1 item.", ""]);
    assert.equal((await worker.ended).code, 0);
    const records = await t.records("dead");
    assert.deepEqual([...new Set(records.map(({ reason }) => reason))], [`cancelled by ${userInfo().username}`]);
    assert.equal(records.length, 4);
    assert.deepEqual(await cancel("--all"), [1, "Nothing to cancel: no such item is left.", ""]);
    const { stdout } = await wq(t.url, "retry", "--match", "waits");
    assert.equal(stdout, "Put 1 item back: the workers that are there take them.");
  });

  for (const args of [[], ["a", "--all"], ["--all", "--match", "x"]])
    it(`refuses ${args.join(" ") || "nothing"}`, async () => {
      await seed("1");
      assert.deepEqual(await cancel(...args), [
        3,
        "",
        "wq cancel: say which items: the text of one, --match TEXT, or --all",
      ]);
    });
});
