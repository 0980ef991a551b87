/** What index.ts exports, as far as the commands need it. */
export interface StackOutputs {
  namespace: string;
  queue: string;
  /** The worker Job's name; absent with `workers: false`. */
  workerJob?: string;
  /** The Pod that Redis runs in; absent with `redisUrl`. */
  redisPod?: string;
  /** The Secret that holds its `password`; absent without one. */
  redisSecret?: string;
  /** A managed Redis. */
  redisUrl?: string;
  kubeContext?: string;
  /** A path or the text itself. */
  kubeconfig?: string;
}
