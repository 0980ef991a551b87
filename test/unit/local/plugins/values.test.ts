import assert from "node:assert/strict";
import { plain, secret, settled } from "../../../../local/plugins/values.ts";

const output = { "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4" };

describe("values on the wire", () => {
  it("are the same, whatever they are wrapped in", () => {
    assert.deepEqual(plain({ a: secret("x"), b: [secret({ c: 1 })] }), { a: "x", b: [{ c: 1 }] });
  });

  it("lose their outputs: known ones become values, secret ones secrets", () => {
    assert.deepEqual(settled({ a: { ...output, value: "v", secret: true } }), { a: secret("v") });
    assert.deepEqual(settled({ a: { ...output, value: "v" } }), { a: "v" });
  });
});
