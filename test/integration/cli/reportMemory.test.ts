import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";

const MANY = 400_000;
/** Items done by a hundred pods, side by side; each thousandth failed. */
const script = `
import { collect } from ${JSON.stringify(join(import.meta.dirname, "../../../cli/report/collect.ts"))};
function* records() {
  for (let id = 1; id <= ${MANY}; id++) {
    const [start, failed] = [1e6 + 10 * id, id % 1000 === 0];
    const attempts = [{ pod: "p" + (id % 100), node: "n", start, end: start + 500, outcome: failed ? "failed" : "done" }];
    yield { id, payload: Buffer.from("item " + id + " of many"), outcome: failed ? "dead" : "done", attempts };
  }
}
const { counts, table, throughput, timeline } = await collect("t", { now: 2e6, state: "finished" }, records());
const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);
console.log(JSON.stringify({
  items: counts.items, dead: counts.dead, left: table.left,
  ended: sum(throughput.done) + sum(throughput.dead), drawn: sum(timeline.cells.map((cell) => cell[3])),
}));`;

describe("the report of a batch of any size", () => {
  it("counts every item, and keeps no texts of items that it does not list", async () => {
    // Objects with texts would take 300 bytes each.
    const { stdout } = await execa(process.execPath, ["--max-old-space-size=80", "--input-type=module", "-e", script]);
    const expected = { items: MANY, dead: MANY / 1000, left: MANY - 100_300, ended: MANY, drawn: MANY };
    assert.deepEqual(JSON.parse(stdout), expected);
  });
});
