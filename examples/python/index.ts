// A Python program, run once per item, on Python's own image: nothing is built, and Node.js is brought along.
import { Config } from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const redis = new Redis("redis", { namespace: new Config().get("namespace") });
const image = new WorkerImage("python", { baseImage: "python:3-slim", files: "files" });

new Batch("reversed", {
  redis,
  image,
  command: ["python3", "reverse.py"],
  items: ["stressed", "drawer", "straw"],
});
