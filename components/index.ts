export { labels, names } from "./labels.ts";
export { pullSecret } from "./pullSecret.ts";
export { RedisQueue } from "./redisQueue.ts";
export { SeedJob } from "./seedJob.ts";
export { VerdictJob } from "./verdictJob.ts";
export { WorkerImage } from "./workerImage.ts";
export { WorkerJob } from "./workerJob.ts";
