import assert from "node:assert/strict";
import { MultisetDiff } from "../../../queue/seeder/multisetDiff.ts";

describe("the balance of two lists", () => {
  it("counts every copy of 20,000 items while its table grows", () => {
    const balance = new MultisetDiff();
    for (let copy = 0; copy < 2; copy++)
      for (let number = 0; number < 20_000; number++) balance.expect(`item-${number}`);
    assert.equal(balance.missing, 40_000);
    for (let number = 0; number < 20_000; number++) {
      assert.equal(balance.observe(Buffer.from(`item-${number}`), true), true);
      assert.equal(balance.observe(`item-${number}`, true), true);
      assert.equal(balance.observe(`item-${number}`, true), false);
    }
    assert.deepEqual([balance.missing, balance.surplus], [0, 20_000]);
    for (let number = 0; number < 20_000; number++) {
      assert.deepEqual([balance.takeSurplus(`item-${number}`), balance.takeSurplus(`item-${number}`)], [true, false]);
    }
    assert.equal(balance.surplus, 0);
  });

  it("says of the wanted copies that the first ones are there", () => {
    const balance = new MultisetDiff();
    for (const item of ["a", "a", "a", "b"]) balance.expect(item);
    balance.observe("a", false);
    balance.observe("b", true);
    assert.equal(balance.missing, 2);
    assert.deepEqual(
      ["a", "a", "b", "a"].map((item) => balance.takeMatched(item)),
      [true, false, true, false],
    );
  });

  it("does not count as too many what is there for good", () => {
    const balance = new MultisetDiff();
    assert.equal(balance.observe("done", false), false);
    assert.equal(balance.surplus, 0);
    assert.equal(balance.takeSurplus("done"), false);
  });
});
