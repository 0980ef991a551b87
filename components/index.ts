// The library's door: components that run a list of items in parallel on Kubernetes.
import "../config/requireNode.mjs";
import "./image/ownFiles.ts";
import "./inlinePrograms.ts";
import "./lostEngine.ts";
export type { BatchSettings, ImageSettings, RedisSettings } from "./args.ts";
export { Batch, type BatchArgs } from "./batch/batch.ts";
export type { BatchCounts } from "./types.ts";
export { type RunnableImage, WorkerImage, type WorkerImageArgs } from "./image/workerImage.ts";
export { Redis, type RedisArgs } from "./redis/redis.ts";
export type { RedisReference } from "./redis/reference.ts";
