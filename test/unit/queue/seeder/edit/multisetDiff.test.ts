import assert from "node:assert/strict";
import { MultisetDiff } from "../../../../../queue/seeder/edit/multisetDiff.ts";

const name = (number: number) => `item-${number}`;

describe("MultisetDiff", () => {
  it("counts every copy of 20,000 items while its table grows", () => {
    const diff = new MultisetDiff();
    for (let copy = 0; copy < 2; copy++) for (let number = 0; number < 20_000; number++) diff.add(name(number));
    assert.equal(diff.missing, 40_000);
    for (let number = 0; number < 20_000; number++) {
      assert.equal(diff.subtract(Buffer.from(name(number))), true);
      assert.equal(diff.subtract(name(number)), true);
      assert.equal(diff.subtract(name(number)), false);
    }
    assert.deepEqual([diff.missing, diff.surplus], [0, 20_000]);
    for (let number = 0; number < 20_000; number++) assert.equal(diff.add(name(number)), true);
    assert.deepEqual([diff.missing, diff.surplus], [0, 0]);
  });

  it("reuses the slots of balanced items", () => {
    const diff = new MultisetDiff();
    for (let number = 0; number < 50_000; number++) {
      diff.add(name(number));
      if (number >= 10) assert.equal(diff.subtract(name(number - 10)), true);
    }
    assert.deepEqual([diff.missing, diff.surplus], [10, 0]);
    for (let number = 49_990; number < 50_000; number++) assert.equal(diff.take(name(number)), true);
    assert.equal(diff.missing, 0);
  });

  it("takes only copies that were added", () => {
    const diff = new MultisetDiff();
    assert.equal(diff.take("a"), false);
    diff.add("a");
    diff.add("a");
    assert.deepEqual(
      ["a", "b", "a", "a"].map((item) => diff.take(item)),
      [true, false, true, false],
    );
    assert.deepEqual([diff.missing, diff.surplus], [0, 0]);
  });
});
