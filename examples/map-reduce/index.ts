// Map, then reduce: the second batch begins when the first one has ended well, and reads its results.
import { Config } from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const redis = new Redis("redis", { namespace: new Config().get("namespace") });

const words = new Batch("words", {
  redis,
  image: new WorkerImage("map", { handler: "./map.ts" }),
  itemsFile: "lines.txt",
});

new Batch("count", {
  redis,
  image: new WorkerImage("reduce", { handler: "./reduce.ts" }),
  items: ["words"],
  parallelism: 1,
  after: [words],
});
