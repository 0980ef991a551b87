// Nine fruits through two pods: a list of items and a function, and nothing else.
import { Config } from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const redis = new Redis("redis", { namespace: new Config().get("namespace") });
const image = new WorkerImage("fruits", { handler: "./peel.ts" });

new Batch("fruits", {
  redis,
  image,
  items: ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"],
});
