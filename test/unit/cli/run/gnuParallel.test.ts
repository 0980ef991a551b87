import assert from "node:assert/strict";
import { unknownOption, wrongString } from "../../../../cli/run/gnuParallel.ts";

describe("words of GNU parallel that wq run does not have", () => {
  for (const [option, advice] of [
    ["-N2", "an attempt has one item: `xargs -n 10 < LIST` makes lines of ten"],
    ["--colsep=,", "make a JSON array of each line, `jq -Rc 'split(\",\")' TABLE`, and write {1}"],
    ["--progress", "--eta"],
    ["--resume", "--resume-failed runs what is not done"],
    ["-I%", "{} is the item"],
    ["--zip", "options of the program come after its name"],
  ] as const)
    it(`${option}: ${advice}`, () => assert.equal(unknownOption(option), `unknown option '${option}': ${advice}`));

  it("proposes an option with a like name", () =>
    assert.equal(
      unknownOption("--ordred", "\n(Did you mean --ordered?)"),
      "unknown option '--ordred'\n(Did you mean --ordered?)",
    ));

  for (const [word, item, isUnknown] of [
    ["{..}", "a", true],
    ["{/..}", "a", true],
    ["{1.}", '["a"]', true],
    ["{-1}", '["a"]', true],
    ["{= s/a/b/ =}", "a", true],
    ["{1}", "a", true],
    ["{1}", '["a"]', false],
    ["{2}", '["a"]', true],
    ["{}", "{}", false],
    ["{/.}", "a", false],
    ["{name}", "a", false],
    ["[0-9]{3}", "a", false],
    ['{"a":1}', "a", false],
  ] as const)
    it(`${word} is ${isUnknown ? "refused" : "taken"} if an item is ${item}`, () => {
      const why = `nothing stands for ${word}: {} is the item, {1} the first part of one from several lists`;
      assert.equal(wrongString(["x", word], item), isUnknown ? why : undefined);
    });

  it("{%} is refused, with what to use instead", () =>
    assert.equal(
      wrongString(["x", "{%}"], "a"),
      "nothing stands for {%}, since pods have no slots: $HOSTNAME names the pod",
    ));

  it("is refused in code, which is never replaced", () => {
    const code = ["sh", "-c", "echo {2}"];
    assert.equal(wrongString(code, '["a","b"]'), `no {2} in code, where it could run: sh -c 'echo "$1"' sh {2}`);
    assert.equal(wrongString(code, "a"), undefined); // here, {2} is a part of a pattern
    assert.equal(wrongString(["sh", "-c", 'echo "$1"', "sh", "{2}"], '["a","b"]'), undefined);
  });
});
