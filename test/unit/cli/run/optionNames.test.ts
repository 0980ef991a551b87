import assert from "node:assert/strict";
import { withOptions } from "../../../../cli/run/optionNames.ts";

describe("messages of wq run", () => {
  for (const [message, told] of [
    [
      "there is no namespace a: `createNamespace` creates it, or: kubectl create namespace a",
      "there is no namespace a: kubectl create namespace a",
    ],
    [
      "the command x is not in the image: set `baseImage` to one that has it, or set `entrypoint`",
      "the command x is not in the image: set `--image` to one that has it, or set `--entrypoint`",
    ],
    ["raise `resources.limits.memory`", "raise `--memory`"],
    ["(it runs as user 1; `runAsUser` chooses another)", "(it runs as user 1; `runAsUser` of a stack chooses another)"],
    ["(only the volumes of `claims` can be written)", "(only the volumes of `claims` of a stack can be written)"],
    ["not ready after 300 s (`startTimeout`)", "not ready after 300 s (`startTimeout` of a stack)"],
    ["called `run` on a `None` value, `toString`", "called `run` on a `None` value, `toString`"],
  ] as const)
    it(told, () => assert.equal(withOptions(message), told));
});
