import assert from "node:assert/strict";
import { ExternalItems } from "../../../queue/seeder/externalItems.ts";

const hands = (places: ExternalItems) => [...places.flags()].map((pushed) => (pushed ? "x" : ".")).join("");

describe("the places of items pushed by hand", () => {
  it("are what was noted and all that lies behind", () => {
    const places = new ExternalItems(4, 8, 10, "2-2,4-6,9-9,");
    assert.deepEqual(
      [1, 2, 3, 4].map((id) => places.includes(id)),
      [false, true, false, true],
    );
    assert.equal(hands(places), "xx..x.xx");
    assert.equal(places.length, 8);
    assert.deepEqual(places.serialize(), { through: 12, pushed: "2-2,4-4,5-6,9-9,11-12," });
  });

  it("of a list filled by hand are all", () => {
    const places = new ExternalItems(2, 3, 0, "");
    assert.deepEqual([places.includes(1), places.includes(2), hands(places)], [true, true, "xxx"]);
  });

  it("move with the items, and a copy does not", () => {
    const places = new ExternalItems(0, 5, 5, "2-3,");
    const before = places.copy();
    places.rotate(3, (index) => index === 1);
    assert.equal(hands(places), "..x");
    places.append(2);
    assert.equal(hands(places), "..xxx");
    assert.deepEqual(places.serialize(), { through: 5, pushed: "3-5," });
    assert.equal(hands(before), ".xx..");
  });

  it("come back from their note", () => {
    const note = new ExternalItems(3, 6, 7, "1-1,5-6,").serialize();
    assert.deepEqual(new ExternalItems(3, 6, note.through, note.pushed).serialize(), note);
  });
});
