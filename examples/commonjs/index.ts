// CommonJS, as `pulumi new kubernetes-typescript` made it until March 2026: nothing is to be changed for the package.
import * as pulumi from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const redis = new Redis("redis", { namespace: new pulumi.Config().get("namespace") });
const batch = new Batch("fruits", {
  redis,
  image: new WorkerImage("fruits", {}),
  items: ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"],
  command: ["sh", "-c", 'echo "peeled $ITEM"'],
});

export const counts = batch.counts;
