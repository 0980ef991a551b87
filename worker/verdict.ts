// The verdict: the last Job of the pipeline. Its exit code is that of `pulumi up`, its last line is the error of it.
import { connect, QueueAdmin } from "../queue/index.ts";
import { redisUrl, text } from "./environment.ts";
import { judge } from "./summarize.ts";
import { shown } from "./log.ts";
import { exitCodes, ProgramExit, runProgram } from "./program.ts";

/** Failed items that are named. */
const NAMED = 5;

async function verdict(): Promise<number> {
  const redis = await connect(await redisUrl(), 60_000).catch((error: Error) => {
    throw new ProgramExit(exitCodes.redis, error.message);
  });
  const admin = new QueueAdmin(redis, text("WQ_QUEUE"));
  try {
    const counts = await admin.counts();
    const failed: string[] = [];
    for await (const { payload } of admin.dead()) if (failed.push(shown(payload)) >= NAMED) break;
    const { line, passes } = judge(counts, failed, process.env.WQ_ALLOW_FAILURES === "true");
    if (!passes) throw new ProgramExit(1, line);
    console.log(line);
    return 0;
  } catch (error) {
    if (error instanceof ProgramExit) throw error;
    throw new ProgramExit(exitCodes.redis, `Redis could not be asked for the verdict: ${(error as Error).message}`);
  } finally {
    redis.disconnect();
  }
}

await runProgram(verdict);
