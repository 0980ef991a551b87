// The seeder: brings the queue in line with the items of the stack, then ends.
import { Seeder } from "../queue/index.ts";
import { oneLine } from "../config/foreignText.ts";
import { ConfigError } from "../config/parse.ts";
import { oneOf, redisUrl, text } from "../worker/environment.ts";
import { exitCodes, ProgramExit, runProgram } from "../worker/program.ts";
import { fileSource, rangeSource } from "./sources.ts";

async function seed(): Promise<number> {
  const range = process.env.WQ_ITEMS_RANGE;
  const source = range
    ? rangeSource(range)
    : fileSource(text("WQ_ITEMS_FILE"), oneOf("WQ_ITEMS_FORMAT", ["text", "ndjson", "strings"], "text"));
  const seeder = new Seeder({ url: await redisUrl(), queue: text("WQ_QUEUE") });
  const started = performance.now();
  let lastLine = started;
  const report = await seeder
    .seed(source, {
      owner: process.env.WQ_OWNER ?? "",
      run: process.env.WQ_RUN ?? "1",
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
  console.log(
    `Seeded in ${seconds} s: ${total} items, ${added} new, ${removed} removed, ${requeued} failed ones to run again, ${kept} done already`,
  );
  return 0;
}

// Nothing is half-done by an interrupted seeding: the next one goes on where it was.
process.on("SIGTERM", () => process.exit(exitCodes.terminated));
await runProgram(seed);
