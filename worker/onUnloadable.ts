// A worker that cannot start its handler or command: it restarts, or the batch ends with the reason.
import { setTimeout as sleep } from "node:timers/promises";
import { oneLine } from "../config/foreignText.ts";
import { connect, isOver, QueueAdmin } from "../queue/index.ts";
import { NotInImage } from "./command/checkCommand.ts";
import { exitCodes } from "./exitCodes.ts";
import { ProgramExit } from "./runProgram.ts";

/** Leases without another worker, after which the batch ends: pods start one by one. */
const LOOK_LEASES = 3;

/**
 * Aborts the batch when no worker can start: the verdict tells the reason, instead of pods that restart until a
 * deadline. If others work, it is a problem of this pod, which a restart may solve.
 * @returns When the batch is over.
 * @throws ProgramExit if others work, or Redis cannot be asked.
 */
export async function onUnloadable(
  url: string,
  { queue, lease }: { queue: string; lease: number },
  error: Error,
): Promise<void> {
  const reason = error.message;
  console.error(oneLine(reason));
  // A program that the image lacks is in no other pod, either.
  const lookMs = error instanceof NotInImage ? 0 : LOOK_LEASES * lease;
  const redis = await connect(url, 60_000);
  try {
    const admin = new QueueAdmin(redis, queue);
    for (const end = performance.now() + lookMs; ; await sleep(100)) {
      const counts = await admin.counts();
      if (isOver(counts)) return;
      // Leases do not show live workers, since those of vanished workers stay until another worker calls.
      if (counts.workersAlive > 0) throw new Error("others are at work");
      if (performance.now() < end) continue;
      return void (await admin.abort(reason));
    }
  } catch {
    throw new ProgramExit(exitCodes.load, reason);
  } finally {
    redis.disconnect();
  }
}
