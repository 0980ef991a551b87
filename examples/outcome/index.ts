// A batch whose outcome another resource needs: it is made after a good verdict, and not at all after a bad one.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

const namespace = new pulumi.Config().get("namespace");
const batch = new Batch("squares", {
  redis: new Redis("redis", { namespace }),
  image: new WorkerImage("squares", {}),
  itemsRange: "1..12",
  concurrency: 4,
  command: ["sh", "-c", "echo $((ITEM * ITEM))"],
  finish: ["sh", "-c", "wc -l"], // is given all results
});

const summary = new k8s.core.v1.ConfigMap("summary", {
  metadata: { name: "summary", namespace },
  data: {
    done: pulumi.interpolate`${batch.counts.done} of ${batch.counts.total} squares`,
    results: batch.finish!,
  },
});

export const done = summary.data.done;
