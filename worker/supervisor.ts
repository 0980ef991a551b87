// The supervisor: watches the batch from the start of the workers to its end. Its exit code is that of `pulumi up`, its last line the error of it.
import { setTimeout as sleep } from "node:timers/promises";
import { duration } from "../config/parse.ts";
import { type Counts, QueueAdmin } from "../queue/index.ts";
import { redisUrl, text } from "./environment.ts";
import { shown } from "./log.ts";
import { ProgramExit, runProgram } from "./program.ts";
import { startRelay } from "./relay.ts";
import { progressLine } from "./progress.ts";
import { summarize } from "./summarize.ts";

const POLL_MS = 1_000;
const PROGRESS_MS = 5_000;
/** Failed items that are named. */
const NAMED = 5;

/** When the workers' time is up, ms since the epoch. */
function deadline(): number {
  const since = Date.parse(process.env.WQ_WORKERS_SINCE ?? "") || Date.now();
  return since + duration(0)("WQ_ACTIVE_DEADLINE", text("WQ_ACTIVE_DEADLINE"));
}

async function supervise(): Promise<number> {
  const [url, queue] = [await redisUrl(), text("WQ_QUEUE")];
  startRelay(url);
  const end = deadline();
  const progress = progressLine(PROGRESS_MS);
  for (let away = ""; ; await sleep(POLL_MS)) {
    try {
      const admin = await QueueAdmin.open(url, queue);
      away = "";
      try {
        for (; ; await sleep(POLL_MS)) {
          const counts = await admin.counts();
          if (counts.state === "finished" || counts.state === "aborted") return await judge(admin, counts);
          if (Date.now() > end) throw overdue(counts);
          const line = progress(counts);
          if (line) console.log(line);
        }
      } finally {
        await admin.close();
      }
    } catch (error) {
      if (error instanceof ProgramExit) throw error;
      const { message } = error as Error;
      if (Date.now() > end) throw new ProgramExit(1, `The batch could not be judged: ${message}`);
      if (message !== away) console.log((away = message));
    }
  }
}

async function judge(admin: QueueAdmin, counts: Counts): Promise<number> {
  const failed: string[] = [];
  for await (const { payload } of admin.dead()) if (failed.push(shown(payload)) >= NAMED) break;
  const { line, passes } = summarize(counts, failed, process.env.WQ_ALLOW_FAILURES === "true");
  if (!passes) throw new ProgramExit(1, line);
  console.log(line);
  return 0;
}

/** The Job controller ends the workers at that time; what they had in flight is released. */
function overdue({ done, dead, total }: Counts): ProgramExit {
  const failed = dead > 0 ? `, ${dead} failed` : "";
  return new ProgramExit(
    1,
    `the workers reached activeDeadline (${text("WQ_ACTIVE_DEADLINE")}) with ${done} of ${total} items done${failed}: \`pulumi up\` goes on where they stopped; raise activeDeadline if they need longer`,
  );
}

await runProgram(supervise);
