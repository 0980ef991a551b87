// Runs alone: it kills a node.
// Full run only: `npm run proof` at a smaller size.
// The proof with fewer items and faults: bench/proof/ does the same with 10,000.
import assert from "node:assert/strict";
import { killedNode } from "../../../bench/proof/faults/nodes.ts";
import { forceDeletedPods } from "../../../bench/proof/faults/pods.ts";
import type { Field } from "../../../bench/proof/field.ts";
import { rows } from "../../../bench/proof/rows.ts";
import { runRow } from "../../../bench/proof/runRow.ts";
import { onPlatform } from "../../support/platform.ts";

describe("a batch under faults", () => {
  const shape = { items: 500, pods: 8, concurrency: 4, workMs: 900 };
  const removals: Promise<void>[] = [];

  onPlatform();
  after(() => Promise.all(removals));

  // If the supervisor was on the killed node, `up` ends only when the node is back.
  const node = { ...rows.node!, disturb: (field: Field) => killedNode(field, { forMs: 15_000 }) };
  // `kubectl` takes its time if integration tests run beside it, so the pauses between are short.
  const pods = { ...rows.pods!, disturb: (field: Field) => forceDeletedPods(field, 250) };
  const short = { pods, workers: rows.workers!, redis: rows.redis!, node };

  for (const [name, row] of Object.entries(short)) {
    it(`does each item once: ${name}`, async () => {
      const outcome = await runRow(name, { shape, removals, row });
      assert.equal(outcome.problem, undefined, JSON.stringify(outcome));
      if (["workers", "node"].includes(name))
        assert.ok(outcome.cut > 0, "runs were cut short by the fault that did it");
    });
  }
});
