import assert from "node:assert/strict";
import { Balance } from "../../../queue/seeder/multisetDiff.ts";

describe("the balance of two lists", () => {
  it("counts every copy of 20,000 items while its table grows", () => {
    const balance = new Balance();
    for (let copy = 0; copy < 2; copy++) for (let number = 0; number < 20_000; number++) balance.want(`item-${number}`);
    assert.equal(balance.missing, 40_000);
    for (let number = 0; number < 20_000; number++) {
      assert.equal(balance.have(Buffer.from(`item-${number}`), true), true);
      assert.equal(balance.have(`item-${number}`, true), true);
      assert.equal(balance.have(`item-${number}`, true), false);
    }
    assert.deepEqual([balance.missing, balance.surplus], [0, 20_000]);
    for (let number = 0; number < 20_000; number++) {
      assert.deepEqual([balance.drop(`item-${number}`), balance.drop(`item-${number}`)], [true, false]);
    }
    assert.equal(balance.surplus, 0);
  });

  it("says of the wanted copies that the first ones are there", () => {
    const balance = new Balance();
    for (const item of ["a", "a", "a", "b"]) balance.want(item);
    balance.have("a", false);
    balance.have("b", true);
    assert.equal(balance.missing, 2);
    assert.deepEqual(
      ["a", "a", "b", "a"].map((item) => balance.there(item)),
      [true, false, true, false],
    );
  });

  it("does not count as too many what is there for good", () => {
    const balance = new Balance();
    assert.equal(balance.have("done", false), false);
    assert.equal(balance.surplus, 0);
    assert.equal(balance.drop("done"), false);
  });
});
