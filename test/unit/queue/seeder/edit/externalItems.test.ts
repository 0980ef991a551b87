import assert from "node:assert/strict";
import { ExternalItems } from "../../../../../queue/seeder/edit/externalItems.ts";

describe("ExternalItems", () => {
  it("are the noted ranges, and all items behind the last known one", () => {
    const external = new ExternalItems(4, 8, 10, "2-2,4-6,9-9,");
    assert.deepEqual(
      [1, 2, 3, 4].map((id) => external.includes(id)),
      [false, true, false, true],
    );
    assert.deepEqual(external.waiting, [
      [0, 1],
      [4, 4],
      [6, 7],
    ]);
    assert.deepEqual(external.ownWaiting, [
      [2, 3],
      [5, 5],
    ]);
    assert.equal(external.taken, "2-2,4-4,");
  });

  it("are all items of a list that was filled by hand", () => {
    const external = new ExternalItems(2, 3, 0, "");
    assert.deepEqual([external.includes(1), external.includes(2)], [true, true]);
    assert.deepEqual([external.waiting, external.ownWaiting, external.taken], [[[0, 2]], [], "1-2,"]);
  });

  it("are none of a list that was seeded", () => {
    const external = new ExternalItems(3, 4, 7, "");
    assert.deepEqual([external.waiting, external.ownWaiting, external.taken], [[], [[0, 3]], ""]);
  });

  it("leave out noted items that are gone", () => {
    const external = new ExternalItems(3, 2, 9, "5-8,");
    assert.deepEqual([external.waiting, external.ownWaiting], [[[1, 1]], [[0, 0]]]);
  });

  it("are none in an empty list", () => {
    const external = new ExternalItems(0, 0, 0, "");
    assert.deepEqual([external.waiting, external.ownWaiting, external.taken], [[], [], ""]);
  });
});
