import assert from "node:assert/strict";
import { Places } from "../../../queue/seeder/externalItems.ts";

const hands = (places: Places) => [...places.waiting()].map((pushed) => (pushed ? "x" : ".")).join("");

describe("the places of items pushed by hand", () => {
  it("are what was noted and all that lies behind", () => {
    const places = new Places(4, 8, 10, "2-2,4-6,9-9,");
    assert.deepEqual(
      [1, 2, 3, 4].map((id) => places.given(id)),
      [false, true, false, true],
    );
    assert.equal(hands(places), "xx..x.xx");
    assert.equal(places.length, 8);
    assert.deepEqual(places.note(), { through: 12, pushed: "2-2,4-4,5-6,9-9,11-12," });
  });

  it("of a list filled by hand are all", () => {
    const places = new Places(2, 3, 0, "");
    assert.deepEqual([places.given(1), places.given(2), hands(places)], [true, true, "xxx"]);
  });

  it("move with the items, and a copy does not", () => {
    const places = new Places(0, 5, 5, "2-3,");
    const before = places.copy();
    places.turn(3, (index) => index === 1);
    assert.equal(hands(places), "..x");
    places.grew(2);
    assert.equal(hands(places), "..xxx");
    assert.deepEqual(places.note(), { through: 5, pushed: "3-5," });
    assert.equal(hands(before), ".xx..");
  });

  it("come back from their note", () => {
    const note = new Places(3, 6, 7, "1-1,5-6,").note();
    assert.deepEqual(new Places(3, 6, note.through, note.pushed).note(), note);
  });
});
