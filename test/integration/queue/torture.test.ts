// Runs first: the batches that it waits for take a minute and more.
// Full run only: it takes a minute, of other batches each time.
import { torture } from "../../torture/torture.ts";

describe("batches under random faults", () => {
  it("end, and leave the right records", async function () {
    this.timeout(600_000);
    await torture(60, (line) => console.log(`      ${line}`));
  });
});
