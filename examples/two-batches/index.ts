// Two batches on one Redis, side by side: each has a queue, an image and a pace of its own.
import { Config } from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const redis = new Redis("redis", { namespace: new Config().get("namespace") });

new Batch("squares", {
  redis,
  image: new WorkerImage("square", { handler: "./square.ts" }),
  itemsRange: "1..100",
  concurrency: 10,
});

new Batch("greetings", {
  redis,
  image: new WorkerImage("greet", { handler: "./greet.ts" }),
  itemsFile: "names.txt",
  parallelism: 1,
});
