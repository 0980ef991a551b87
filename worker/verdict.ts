// The verdict: the last Job of the pipeline. Its exit code is that of `pulumi up`, its last line is the error of it.
import { connect, QueueAdmin, type Counts } from "../queue/index.ts";
import { exitCodes, Exit, main, redisUrl, text } from "./env.ts";
import { shown } from "./log.ts";

/** Failed items that are named. */
const NAMED = 5;

const items = (count: number) => `${count} item${count === 1 ? "" : "s"}`;

/** What is to be said of a batch, and whether it passes. */
export function judge(counts: Counts, failed: string[], allowFailures: boolean): { line: string; passes: boolean } {
  const { state, reason, total, done, dead, foreign } = counts;
  const others = foreign ? `; ${items(foreign)} taken by another program, which this queue knows nothing of` : "";
  if (state === "aborted")
    return { line: `the batch was aborted: ${reason ?? "no reason given"}; ${done} of ${total} done`, passes: false };
  if (state !== "finished")
    return { line: `the batch is not finished (${state}): ${done} of ${total} done`, passes: false };
  if (dead === 0)
    return { line: `all ${items(total)} done${others}`.replace("all 1 item ", "the 1 item "), passes: true };
  const more = dead > failed.length ? `, and ${dead - failed.length} more` : "";
  const advice = "why: npm run failed; again: npm run retry";
  return {
    line: `${dead} of ${items(total)} failed: ${failed.join(", ")}${more}${others} (${advice})`,
    passes: allowFailures,
  };
}

async function verdict(): Promise<number> {
  const redis = await connect(await redisUrl(), 60_000).catch((error: Error) => {
    throw new Exit(exitCodes.redis, error.message);
  });
  const admin = new QueueAdmin(redis, text("WQ_QUEUE"));
  try {
    const counts = await admin.counts();
    const failed: string[] = [];
    for await (const { payload } of admin.dead()) if (failed.push(shown(payload)) >= NAMED) break;
    const { line, passes } = judge(counts, failed, process.env.WQ_ALLOW_FAILURES === "true");
    if (!passes) throw new Exit(1, line);
    console.log(line);
    return 0;
  } catch (error) {
    if (error instanceof Exit) throw error;
    throw new Exit(exitCodes.redis, `Redis could not be asked for the verdict: ${(error as Error).message}`);
  } finally {
    redis.disconnect();
  }
}

if (import.meta.main) await main(verdict);
