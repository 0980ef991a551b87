import assert from "node:assert/strict";
import { FailureGroups, namelessReason, reasonTemplate } from "../../../../cli/view/failureGroups.ts";
import { attempt, record } from "../../../support/looks.ts";

const dead = (item: string, reason?: string) => record(item, { outcome: "dead", reason });

const reasons: [what: string, item: string, reason: string | undefined, template: string][] = [
  ["the item's name", "a.txt", "cannot open a.txt, a.txt is gone", "cannot open …, … is gone"],
  ["the pod and the node", "a.txt", "pod-1 on node-1 is full", "… on … is full"],
  ["the stack below the first line", "a.txt", "no\n    at handler.ts:3", "no"],
  ["numbers, also where the item is one", "194", "194 is not acceptable", "N is not acceptable"],
  ["a short number as an item", "97", "97 is not acceptable", "N is not acceptable"],
  ["a name that is a part of a word, not at all", "fig", "figs and fig(s) are not …", "figs and …(s) are not …"],
  ["a name with signs of a pattern", "s3://b/[a](1)*.gz", "no s3://b/[a](1)*.gz here", "no … here"],
  ["a short name with a digit, as a word", "a7", "a7 is bad, not a77", "… is bad, not aN"],
  ["fractions, signs, times", "x", "took 1.5 s at 10:30:01, -3 left", "took N s at N, N left"],
  ["a UUID", "x", "job 550e8400-e29b-41d4-a716-446655440000 is gone", "job N is gone"],
  ["addresses and hashes", "x", "0xdeadbeef of 3f786850e387550f", "N of N"],
  ["nothing of words that look like hashes", "x", "deadbeef defaced", "deadbeef defaced"],
  ["nothing of how a program ended", "x", "python3 exited with code 65: row 12", "python3 exited with code 65: row N"],
  ["nothing of a program's name", "x", "python3 was ended by SIGABRT", "python3 was ended by SIGABRT"],
  ["nothing of an answer's status", "x", "HTTP 503 after 3 s, status 404", "HTTP 503 after N s, status 404"],
  ["nothing of a short name, which is in other words too", "a", "a bad page", "a bad page"],
];

describe("failureGroups", () => {
  for (const [what, item, reason, template] of reasons) {
    it(`replaces ${what}`, () => assert.equal(reasonTemplate(namelessReason(dead(item, reason))), template));
  }
  for (const reason of [undefined, " \nx"]) {
    it(`says that ${JSON.stringify(reason)} is no reason`, () => {
      assert.equal(namelessReason(dead("a.txt", reason)), "no reason given");
    });
  }

  /** Reason, count and first id of the groups of these items and reasons. */
  function groupsOf(...failures: [item: string, reason: string][]) {
    const groups = new FailureGroups();
    for (const [i, [item, reason]] of failures.entries()) groups.add({ ...dead(item, reason), id: i + 1 });
    return groups.sorted().map(({ reason, count, example }) => [reason, count, example.id]);
  }

  it("puts the biggest group first, and the first of it as its example", () => {
    assert.deepEqual(groupsOf(["one", "is rotten"], ["two", "no such page: two"], ["three", "no such page: three"]), [
      ["no such page: …", 2, 2],
      ["is rotten", 1, 1],
    ]);
  });

  it("makes one group of reasons that differ in numbers only", () => {
    assert.deepEqual(groupsOf(["97", "97 is not acceptable"], ["194", "194 is not acceptable"]), [
      ["N is not acceptable", 2, 1],
    ]);
  });

  it("keeps numbers that are the same in all items of the group", () => {
    assert.deepEqual(groupsOf(["one", "HTTP 404 for one"], ["two", "HTTP 404 for two"]), [["HTTP 404 for …", 2, 1]]);
  });

  it("ignores that pods differ", () => {
    const groups = new FailureGroups();
    for (const pod of ["pod-a", "pod-b"]) groups.add({ ...dead("x", `${pod} is full`), attempts: [attempt({ pod })] });
    assert.deepEqual(
      groups.sorted().map(({ reason, count }) => [reason, count]),
      [["… is full", 2]],
    );
  });

  it("keeps no more than a thousand groups", () => {
    const word = (n: number) => n.toString().replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)]!);
    const groups = new FailureGroups();
    for (let id = 1; id <= 5_000; id++) groups.add({ ...dead("item", `code ${word(id)}`), id });
    const [first, ...others] = groups.sorted();
    assert.deepEqual([first!.reason, first!.count, first!.example.id], ["other reasons", 4_000, 1_001]);
    assert.equal(others.length, 1_000);
  });
});
