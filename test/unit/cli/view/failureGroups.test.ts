import assert from "node:assert/strict";
import { reasonTemplate, FailureGroups } from "../../../../cli/view/failureGroups.ts";
import { attempt, record } from "../../../support/looks.ts";

const dead = (item: string, reason?: string) =>
  record(item, { outcome: "dead", ...(reason !== undefined && { reason }) });

const reasons: [what: string, item: string, reason: string | undefined, group: string][] = [
  ["the item's name", "a.txt", "cannot open a.txt, a.txt is gone", "cannot open …, … is gone"],
  ["the pod and the node", "a.txt", "pod-1 on node-1 is full", "… on … is full"],
  ["the stack", "a.txt", "no\n    at handler.ts:3", "no"],
  ["a short name, which is in other words too, stays", "a", "a bad page", "a bad page"],
  ["no reason", "a.txt", undefined, "no reason given"],
  ["an empty one", "a.txt", " \nx", "no reason given"],
];

describe("failures by reason", () => {
  for (const [what, item, reason, group] of reasons) {
    it(what, () => assert.equal(reasonTemplate(dead(item, reason)), group));
  }

  it("puts the biggest group first, and the first of it as its example", () => {
    const groups = new FailureGroups();
    groups.add({ ...dead("one", "is rotten"), id: 1 });
    groups.add({ ...dead("two", "no such page: two"), id: 2 });
    groups.add({ ...dead("three", "no such page: three"), id: 3, attempts: [attempt({ pod: "pod-9" })] });
    assert.deepEqual(
      groups.sorted().map(({ reason, count, example }) => [reason, count, example.id]),
      [
        ["no such page: …", 2, 2],
        ["is rotten", 1, 1],
      ],
    );
  });

  it("keeps no more than a thousand of them", () => {
    const groups = new FailureGroups();
    for (let id = 1; id <= 5_000; id++) groups.add({ ...dead("item", `code ${id}`), id });
    const [first, ...others] = groups.sorted();
    assert.deepEqual([first!.reason, first!.count, first!.example.id], ["other reasons", 4_000, 1_001]);
    assert.equal(others.length, 1_000);
  });
});
