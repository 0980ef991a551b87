export { labels, names } from "./naming.ts";
export { pullSecret } from "./image/pullSecret.ts";
export { RedisQueue } from "./redis/redis.ts";
export { SeedJob } from "./batch/seedJob.ts";
export { VerdictJob } from "./batch/verdictJob.ts";
export { WorkerImage } from "./image/workerImage.ts";
export { WorkerJob } from "./batch/workerJob.ts";
