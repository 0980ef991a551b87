import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActiveItem } from "../../../queue/consumer/activeItem.ts";
import { runFor } from "../../../queue/consumer/runningItem.ts";
import { replaceConsole } from "../../../worker/itemConsole.ts";

describe("the console of a handler", () => {
  const own = console;
  afterEach(() => {
    globalThis.console = own;
  });
  const logs: Record<string, string[]> = {};
  const active = (item: string) => ({ log: (line: string) => void (logs[item] ??= []).push(line) }) as ActiveItem;
  const streams = () => ({ stdout: new PassThrough(), stderr: new PassThrough() });

  it("prints to the log of the item it works on, however many run at once", async () => {
    replaceConsole(streams());
    const handler = async (item: string) => {
      console.log("%s begins, %d", item, 1);
      await sleep(item === "a" ? 20 : 5);
      await Promise.all([sleep(1).then(() => console.error(item, { is: "over" })), sleep(2)]);
      console.table([{ item }]);
    };
    await Promise.all(["a", "b"].map((item) => runFor(active(item), handler, item)));
    for (const item of ["a", "b"]) {
      assert.deepEqual(logs[item]!.slice(0, 2), [`${item} begins, 1`, `${item} { is: 'over' }`]);
      assert.match(logs[item]![2]!, new RegExp(`│ 0 +│ '${item}' +│`));
    }
  });

  it("prints where it did before what belongs to no item", () => {
    const { stdout, stderr } = streams();
    replaceConsole({ stdout, stderr });
    console.log("a worker");
    console.warn("a warning");
    assert.equal(String(stdout.read()), "a worker\n");
    assert.equal(String(stderr.read()), "a warning\n");
  });
});
