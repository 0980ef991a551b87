/** A Batch, as far as the commands need to know it. */
export interface WatchedBatch {
  namespace: string;
  queue: string;
  workerJob: string | undefined;
  redisPod: string | undefined;
  /** Options of `wq` that find a Redis which outlives this Batch. */
  sharedRedis: string | undefined;
}

/** Shell commands to watch a Batch with, those of the Kubernetes page among them, by what they show. */
export function watchCommands({
  namespace,
  queue,
  workerJob,
  redisPod,
  sharedRedis,
}: WatchedBatch): Record<string, string> {
  const kubectl = namespace === "default" ? "kubectl" : `kubectl -n ${namespace}`;
  const commands: Record<string, string> = { status: "npx --no wq status --watch" };
  if (workerJob) {
    commands.describe = `${kubectl} describe jobs/${workerJob}`;
    commands.wait = `${kubectl} wait --for=condition=complete --timeout=300s job/${workerJob}`;
    commands.logs = `${kubectl} logs -l job-name=${workerJob} --prefix --tail=-1`;
  }
  if (redisPod) commands.waiting = `${kubectl} exec ${redisPod} -- redis-cli lrange ${queue} 0 -1`;
  // `pulumi destroy` prints the outputs that it takes away, and with them the command for what it leaves in Redis.
  if (sharedRedis) commands.purgeAfterDestroy = `npx --no wq purge ${queue} ${sharedRedis}`;
  return commands;
}
