import assert from "node:assert/strict";
import { Paced } from "../../../../cli/ui/paced.ts";

describe("a reading at a pace", () => {
  it("does not begin while it runs, and is due at once after a failure", async () => {
    const paced = new Paced(60_000, 60_000);
    let [runs, end] = [0, () => {}];
    const long = paced.run(() => {
      runs++;
      return new Promise((_, reject) => (end = () => reject(new Error("Redis is away"))));
    });
    const count = async () => void runs++;
    await paced.run(count);
    assert.equal(runs, 1);
    end();
    await assert.rejects(long, /^Error: Redis is away$/);
    await paced.run(count);
    assert.equal(runs, 2);
    await paced.run(count);
    assert.equal(runs, 2, "not due yet");
  });
});
