import assert from "node:assert/strict";
import type { V1Pod } from "@kubernetes/client-node";
import type { Cluster } from "../../../components/cluster/client.ts";
import { StartWatch } from "../../../components/cluster/startWatch.ts";

const status = { name: "c", image: "i", imageID: "", ready: false };
/** A worker that was started this often, and is down. */
const down = (restartCount: number, message: string): V1Pod => ({
  metadata: { name: "w" },
  status: {
    containerStatuses: [
      {
        ...status,
        restartCount,
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 1, message } },
      },
    ],
  },
});
const well: V1Pod = {
  metadata: { name: "v" },
  status: {
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [{ ...status, restartCount: 0, state: { running: {} } }],
  },
};

describe("the watch of pods that started", () => {
  let pods: V1Pod[] = [];
  const core = { listNamespacedPod: () => Promise.resolve({ items: pods }) };
  const watch = () =>
    new StartWatch({ core } as unknown as Cluster, {
      owner: "Job w",
      ownerUid: "u",
      namespace: "n",
      labelSelector: "l",
    });

  it("warns once that pods keep ending, whatever their last line is", async () => {
    const watched = watch();
    pods = [well];
    assert.equal(await watched.look(0), undefined);
    pods = [down(1, "at 1: no such token")];
    assert.equal(await watched.look(10_000), "Pod w keeps ending, with exit code 1: at 1: no such token");
    for (let look = 2; look < 100; look++) {
      pods = [down(look, `at ${look}: no such token`)];
      assert.equal(await watched.look(look * 10_000), undefined);
    }
  });

  it("warns if all pods wait for a node after a drain, though some ran before and others were evicted", async () => {
    const watched = watch();
    pods = [well];
    assert.equal(await watched.look(0), undefined);
    const evicted = { metadata: { name: "e" }, status: { phase: "Failed", reason: "Evicted", message: "no disk" } };
    const message = "0/2 nodes are available: 2 Insufficient cpu.";
    const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
    pods = [evicted, { metadata: { name: "x" }, status: { phase: "Pending", conditions } }];
    assert.equal(await watched.look(10_000), "Pod e failed (Evicted): no disk");
    assert.equal(await watched.look(20_000), undefined);
    assert.equal(await watched.look(90_000), `Pod x waits for a node: ${message}`);
    assert.equal(watched.problem, `Pod x waits for a node: ${message}`);
    for (let look = 10; look < 20; look++) assert.equal(await watched.look(look * 10_000), undefined);
  });

  it("says nothing while one of them works", async () => {
    const watched = watch();
    pods = [down(7, "no"), well];
    for (let look = 0; look < 20; look++) assert.equal(await watched.look(look * 10_000), undefined);
  });
});
