import assert from "node:assert/strict";
import { createProgram, requestedVerb } from "../../../cli/commandLine.ts";
import { verbs } from "../../../cli/verbs.ts";

describe("the program wq", () => {
  const rows: [args: string[], verb: string | undefined][] = [
    [["status", "--watch"], "status"],
    [["--help"], undefined],
    [["help"], undefined],
    [["help", "logs"], "logs"],
    [["logs", "help"], "logs"],
    [[], undefined],
  ];
  for (const [args, verb] of rows) {
    it(`reads ${verb ?? "no verb"} from ${JSON.stringify(args)}`, () => assert.equal(requestedVerb(args), verb));
  }

  it("offers --json with every verb that prints data", async () => {
    for (const { name, load } of verbs) {
      const { default: command } = await load();
      const hasJson = command.options.some(({ long }) => long === "--json");
      assert.equal(hasJson, name !== "completion", name);
    }
  });

  it("names each verb as its table does, with an action and a description", async () => {
    for (const { name, load } of verbs) {
      const { default: command } = await load();
      assert.equal(command.name(), name);
      assert.match(command.description(), /^[A-Z].*\.$/);
    }
  });

  it("loads the code of the requested verb alone", async () => {
    const program = await createProgram(["pause"]);
    const loaded = program.commands.filter(({ options }) => options.length > 0).map((command) => command.name());
    assert.deepEqual(loaded, ["pause"]);
  });
});
