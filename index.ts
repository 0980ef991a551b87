// The Kubernetes task "Fine Parallel Processing Using a Work Queue" as one Pulumi program.
import { Batch, Redis, WorkerImage } from "./components/index.ts";
import { loadConfig } from "./loadConfig.ts";

// Read and check every setting before any resource is registered. A bad one ends the program with one line.
const config = loadConfig();

// Start Redis: a Pod, a StatefulSet with a volume claim, or just the address of a Redis that exists.
const redis = new Redis("redis", config.redis);

// Build the image and push it, or use a ready-made one, or none; but only after the cluster has answered.
const image = new WorkerImage("worker", config.image, { dependsOn: redis.first });

// Fill the queue, run the parallel Job, supervise it to its end.
const batch = new Batch("job-wq-2", { redis, image, ...config.batch });

export default {
  /** Shell commands to watch it with. They wait for no Job. */
  commands: batch.commands,
  /** For other stacks that use this Redis: `redisFrom`. */
  redis: redis.reference,
  /** Output of `finish`. */
  ...(batch.finish && { finish: batch.finish }),
};
