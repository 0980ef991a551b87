import assert from "node:assert/strict";
import { PageSizer } from "../../../queue/redis/pageSizer.ts";

describe("the size of a page", () => {
  const after = (bytes: number, pages: number) => {
    const pager = new PageSizer();
    for (let page = 0; page < pages; page++) pager.observe(Array(pager.size).fill(Buffer.alloc(bytes)) as Buffer[]);
    return pager.size;
  };

  it("grows to 2000 small items", () => {
    assert.deepEqual([after(12, 0), after(12, 1), after(12, 2), after(12, 3)], [16, 128, 1024, 2000]);
  });

  it("is some half a MiB of larger ones, and never less than one item", () => {
    assert.equal(after(10_000, 5), 52);
    assert.equal(after(1024 * 1024, 3), 1);
  });

  it("grows again behind the large ones, also where nothing is found", () => {
    const pager = new PageSizer();
    pager.observe([Buffer.alloc(1024 * 1024)]);
    assert.equal(pager.size, 1);
    pager.observe([null]);
    assert.equal(pager.size, 8);
  });
});
