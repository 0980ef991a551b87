// The seeder: brings the queue in line with the items of the stack, then ends.
import { connect, type ItemSource, QueueAdmin, Seeder } from "../queue/index.ts";
import { oneLine } from "../config/foreignText.ts";
import { ConfigError } from "../config/parse.ts";
import { type ProgramSettings, readSettings } from "../config/toldSettings.ts";
import { redisUrl, text } from "../worker/containerVariables.ts";
import { exitCodes } from "../worker/exitCodes.ts";
import { ProgramExit, runProgram } from "../worker/runProgram.ts";
import { fileSource, rangeSource } from "./sources.ts";

/** Redis may be away for this long, ms. */
const PATIENCE_MS = 60_000;

async function seed(): Promise<number> {
  const url = await redisUrl();
  const { queue, owner = "", run, items } = readSettings("seed");
  const source = itemSource(items);
  if (!source) return retry(url, queue);
  const seeder = new Seeder({ url, queue });
  const started = performance.now();
  let lastLine = started;
  const report = await seeder
    .seed(source, {
      owner,
      run,
      seedId: text("WQ_JOB_UID"),
      onProgress: (count) => {
        if (performance.now() - lastLine < 1_000) return;
        lastLine = performance.now();
        console.log(`${count} items are in`);
      },
      onWarning: (line) => console.log(oneLine(line)),
    })
    .catch((error: Error) => {
      throw error instanceof ConfigError ? error : new ProgramExit(exitCodes.redis, error.message);
    });
  const { total, added, removed, requeued, kept } = report;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const advice = total > 0 && kept === total ? ": nothing is left to run; another `run` runs all items again" : "";
  console.log(
    `Seeded in ${seconds} s: ${total} items, ${added} new, ${removed} removed, ${requeued} failed ones to run again, ${kept} done already${advice}`,
  );
  return 0;
}

/** The items of the stack; undefined if the list is filled by hand. */
function itemSource(items: ProgramSettings<"seed">["items"]): ItemSource | undefined {
  if (items === undefined) return undefined;
  return "range" in items ? rangeSource(items.range) : fileSource(items.file, items.format);
}

/** Puts back failed items of a list that was filled by hand. To do so twice does no harm, without workers yet. */
async function retry(url: string, queue: string): Promise<number> {
  const redis = await connect(url, PATIENCE_MS);
  try {
    const admin = new QueueAdmin(redis, queue);
    const { state, dead } = await admin.counts();
    if (dead > 0 || state === "aborted") await admin.retry();
    console.log(`Filled by hand: ${dead} failed ones to run again`);
    return 0;
  } finally {
    redis.disconnect();
  }
}

// An interrupted seeding leaves nothing half-done. The next one goes on where it stopped.
process.on("SIGTERM", () => process.exit(exitCodes.terminated));
await runProgram(seed);
