import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCurrent, recordInputs } from "../../../components/image/inputs.ts";

describe("a bundle", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "inputs-"));
    writeFileSync(join(dir, "a.ts"), "1");
    writeFileSync(join(dir, "b.ts"), "2");
    recordInputs(dir, [join(dir, "a.ts"), join(dir, "b.ts")]);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it("is current while all files that it was made of have the same content", () => {
    writeFileSync(join(dir, "b.ts"), "2");
    assert.ok(isCurrent(dir));
  });

  it("is not current if a file was edited, at the same length and in the same moment", () => {
    writeFileSync(join(dir, "b.ts"), "3");
    assert.ok(!isCurrent(dir));
  });

  it("is not current if a file is gone", () => {
    rmSync(join(dir, "a.ts"));
    assert.ok(!isCurrent(dir));
  });

  it("is not current if nothing was noted", () => {
    assert.ok(!isCurrent(join(dir, "other")));
  });
});
