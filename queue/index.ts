// The queue's door: nothing else of this folder is imported from outside.
export { QueueAdmin } from "./admin.ts";
export { connect } from "./connect.ts";
export { Consumer } from "./consumer.ts";
export { DoNotRetry } from "./doNotRetry.ts";
export { keys } from "./keys.ts";
export { Seeder } from "./seeder.ts";
export type * from "./types.ts";
