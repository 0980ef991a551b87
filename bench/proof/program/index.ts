// The batch under faults: Redis with a claim, and workers that note each run in a file of the machine.
import { Config } from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "../../../components/index.ts";

const config = new Config();
const runs = { name: "runs", mountPath: "/runs" };
const podName = { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };

const redis = new Redis("redis", {
  namespace: config.require("namespace"),
  storage: config.require("disk"),
  // The scheduler may not have seen yet which node the disk is on.
  pod: { spec: { nodeSelector: { "kubernetes.io/hostname": config.require("redisNode") } } },
});
const image = new WorkerImage("work", { handler: "./work.ts" });

new Batch("proof", {
  redis,
  image,
  itemsRange: `1..${config.require("items")}`,
  parallelism: config.requireNumber("pods"),
  concurrency: config.requireNumber("concurrency"),
  env: { PROOF_WORK_MS: config.require("workMs") },
  // The limit is meant for items that kill their workers. Here, faults kill workers without end.
  maxLosses: 1000,
  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } },
  pod: {
    spec: {
      // A node that dies must not have all of them.
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: { "job-name": "proof" } },
        },
      ],
      volumes: [{ name: runs.name, hostPath: { path: config.require("runs"), type: "Directory" } }],
      containers: [{ name: "c", volumeMounts: [runs], env: [podName] }],
    },
  },
});
