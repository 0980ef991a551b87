// The queue's door: nothing else of this folder is imported from outside.
export { QueueAdmin } from "./admin/admin.ts";
export type { Durations } from "./admin/durations.ts";
export { COLUMNS, isSettled, resultRow, type ResultRow } from "./admin/resultRow.ts";
export { type ItemResult, resultsOf } from "./admin/resultsOf.ts";
export { connect } from "./redis/connect.ts";
export { isRefusal, RedisError } from "./redis/errors.ts";
export { Consumer } from "./consumer/consumer.ts";
export { runningItem } from "./consumer/attempts/runningItem.ts";
export { DoNotRetry } from "./doNotRetry.ts";
export { TryLater } from "./tryLater.ts";
export { environmentUrl, socketAddress } from "./redis/address.ts";
export { percentLog } from "./percentLog.ts";
export { keys } from "./redis/keys.ts";
export * from "./limits.ts";
export { previewSeeding, type SeedingPreview } from "./seeder/previewSeeding.ts";
export { Seeder } from "./seeder/seeder.ts";
export type * from "./types.ts";
export { Unfinished } from "./unfinished.ts";
