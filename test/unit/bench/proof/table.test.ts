import assert from "node:assert/strict";
import type { RowOutcome } from "../../../../bench/proof/runRow.ts";
import { markdownTable, screenTable, withTable } from "../../../../bench/proof/table.ts";

const outcome = (name: string, ms: number): RowOutcome => ({
  name,
  ms,
  items: 1000,
  faults: 2,
  done: 1000,
  dead: 0,
  lost: 0,
  duplicated: 0,
  again: 7,
  cut: 6,
  date: "2026-11-24T10:00:00.000Z",
});

describe("the table of the proof", () => {
  const both = [
    { ...outcome("redis", 90_000), takenOver: { median: 8_000, longest: 9_500 }, firstEnd: 2_340 },
    outcome("undisturbed", 60_000),
  ];

  it("has its rows in order, and their times against that without faults", () => {
    const [, first, second] = screenTable(both);
    assert.match(first!, /^no fault .* 60 s$/);
    assert.match(
      second!,
      /^Redis SIGKILLed, twice +1,000 +2 +1,000 +0 +0 +7 +8\.0 s, at most 9\.5 s +2\.3 s +90 s \(1\.5×\)$/,
    );
  });

  it("goes between the markers of a page, also a second time", () => {
    const page = "# Title\n\n<!-- proof:begin -->\n<!-- proof:end -->\n\nAfter.\n";
    const once = withTable(page, markdownTable(both));
    assert.match(
      once,
      /^# Title\n\n<!-- proof:begin -->\n\nBatches on two nodes [^]* 2026-11-24\):\n\n\| fault \|[^]*\|\n\n<!-- proof:end -->\n\nAfter\.\n$/,
    );
    assert.equal(withTable(once, markdownTable(both)), once);
  });

  it("needs the markers", () => {
    assert.throws(() => withTable("# Title\n", "x"), /the page has no place for the table: write <!-- proof:begin -->/);
  });
});
