// Faults of a node, of the one without Redis.
import { setTimeout as sleep } from "node:timers/promises";
import { allNodes } from "../../../local/node/nodes.ts";
import { killNode, reviveNode } from "../../../local/node/nodeControl.ts";
import { say } from "../../../test/support/platform.ts";
import type { Field } from "../field.ts";

const [, { name: NODE }] = allNodes as [unknown, { name: string }];

const workersThere = async (field: Field) => (await field.pods("worker")).filter(({ node }) => node === NODE);

/** A power cut: kubelet, container runtime and all pods at once; back after a while. */
export async function killedNode(field: Field, { at = 0.2, forMs = 60_000 } = {}): Promise<void> {
  await field.reached(at);
  if (field.isOver) return;
  const pods = await workersThere(field);
  const time = Date.now();
  await killNode(NODE);
  try {
    field.happened("node killed", time, pods);
    await field.pause(forMs);
  } finally {
    await reviveNode(NODE);
  }
}

/** An upgrade: `kubectl drain`, and after a while `kubectl uncordon`. */
export async function drainedNode(field: Field, { at = 0.2, forMs = 30_000 } = {}): Promise<void> {
  await field.reached(at);
  if (field.isOver) return;
  const pods = await workersThere(field);
  const time = Date.now();
  try {
    const drain = ["drain", NODE, "--force", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s"];
    const { ok } = await field.kubectl(...drain);
    if (ok) field.happened("node drained", time, pods);
    await field.pause(forMs);
  } finally {
    // The API server may be away just now, by another fault.
    for (let tries = 0; tries < 60 && !(await say("kubectl", ["uncordon", NODE])).ok; tries++) await sleep(1_000);
  }
}
