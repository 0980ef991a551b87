import assert from "node:assert/strict";
import type { BatchSettings } from "../../../components/args.ts";
import type { JobDefaults } from "../../../components/batch/jobs/jobArgs.ts";
import { batchSettings } from "../../../config/settings.ts";
import { startMocks, valueOf } from "../../support/mockProgram.ts";

/** Settings that change how items end, each with a value that is not its default. */
const again: BatchSettings = {
  command: ["bash"],
  concurrency: 2,
  serve: true,
  startTimeout: "1m",
  batch: 4,
  batchWait: "1s",
  workSeconds: 5,
  maxAttempts: 4,
  backoff: "2s..5m",
  itemTimeout: "2h",
  lease: "20s",
  maxLosses: 4,
  maxFailures: 1,
  maxResultBytes: 1,
  keepResults: "failed",
  keepLogs: "all",
  gracePeriod: "20s",
  resources: { limits: { memory: "1Gi" } },
  pod: { spec: { hostNetwork: false } },
  claims: { films: "/films" },
  sharedMemory: "1Gi",
  nodeSelector: { a: "b" },
  tolerations: [{ operator: "Exists" }],
  priorityClass: "high",
  env: { A: "b" },
  serviceAccountName: "worker",
  runAsUser: 1001,
  logFormat: "json",
};

/** Other settings: of the number of workers, of other objects, of the verdict. */
const not: BatchSettings = {
  parallelism: 3,
  idleAfter: "1m",
  allowFailures: true,
  auxPod: { spec: { hostNetwork: false } },
  finish: ["cat"],
  notify: "https://hooks.example.com/x",
  stallAfter: "1m",
  metrics: true,
  metricsFrom: "monitoring",
  workers: true,
  wait: false,
  activeDeadline: "2h",
  kueueQueue: "q",
};

/** Settings that run the seed Job by themselves (batch.test.ts). */
const seeded = ["items", "itemsFile", "itemsRange", "run", "retry", "secretEnv"];

describe("failed items run again", () => {
  let digest: (args: BatchSettings, image?: string) => Promise<unknown>;

  before(async () => {
    await startMocks();
    const { howItemsRun } = await import("../../../components/batch/jobs/workerJob.ts");
    const { readArgs } = await import("../../../components/readArgs.ts");
    digest = (args, image = "x:1") => {
      const settings = readArgs("Batch b", batchSettings, args, []);
      const defaults = {
        name: "b",
        image: { reference: image, id: image, node: ["node"] },
        pullSecrets: [],
        redis: { env: [], labels: {} },
        queue: "q",
        owner: "a/b",
        runAsUser: settings.runAsUser,
        tolerations: settings.tolerations,
      } as unknown as JobDefaults;
      return valueOf(howItemsRun(defaults, { args, settings, handler: "h", envFrom: undefined }));
    };
  });

  it("after a change of the settings in `again`, and of no other", async () => {
    const before = await digest({});
    const found: string[] = [];
    for (const [key, value] of Object.entries({ ...again, ...not }))
      if ((await digest({ [key]: value })) !== before) found.push(key);
    assert.deepEqual(found, Object.keys(again));
    assert.notEqual(await digest({}, "x:2"), before, "the image");
  });

  it("by a rule for each setting: the lists above name them all", () => {
    const known = [...Object.keys(again), ...Object.keys(not), ...seeded];
    assert.deepEqual(Object.keys(batchSettings).sort(), known.sort());
  });
});
