// A provider made from an output, as of a cluster in the same program, and a namespace that Pulumi names.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage } from "job-wq-2";

// Of a cluster of this program: cluster.kubeconfig
const kubeconfig = new pulumi.Config().requireSecret("kubeconfig");
const provider = new k8s.Provider("cluster", { kubeconfig });
const { metadata } = new k8s.core.v1.Namespace("work", {}, { provider });

const redis = new Redis("redis", { namespace: metadata.name }, { provider });
const batch = new Batch(
  "greetings",
  {
    redis,
    image: new WorkerImage("greetings", {}, { provider }),
    items: ["Ada", "Grace", "Jürgen"],
    command: ["sh", "-c", 'echo "Hello, $ITEM, in $PLACE!"'],
    env: { PLACE: metadata.name },
  },
  { provider },
);

export const counts = batch.counts;
