// `npm run status`: where the batch stands, on one screen.
import { setTimeout as sleep } from "node:timers/promises";
import chalk from "chalk";
import logUpdate from "log-update";
import type { Counts } from "../../queue/types.ts";
import { settledCount } from "../view/progressBar.ts";
import { command, main, type QueueOptions } from "../command.ts";
import { workerThroughput, RateEstimator, timeLeft } from "../view/throughput.ts";
import { type OpenQueue, withQueue } from "../stack/openQueue.ts";
import { type Snapshot, dashboard } from "../view/dashboard.ts";
import { displayName } from "../view/format.ts";

const WATCH_MS = 1_000;

/** 0: all done, 1: items failed or the batch was aborted, 2: it is not over. */
export function exitCode({ state, dead }: Counts): number {
  if (state === "aborted" || (state === "finished" && dead > 0)) return 1;
  return state === "finished" ? 0 : 2;
}

async function look({ admin }: OpenQueue, pacer: RateEstimator): Promise<Snapshot> {
  const counts = await admin.counts();
  const workers = (await admin.workers()).filter((worker) => !("ended" in worker && worker.ended));
  pacer.sample(counts);
  const pace = pacer.throughput() ?? workerThroughput(workers, counts);
  return { counts, workers, ...(pace && { throughput: pace }) };
}

function print(title: string, seen: Snapshot): string {
  const { columns = 80, rows = 24, isTTY = false } = process.stdout;
  return dashboard(title, seen, { columns: isTTY ? columns : Infinity, rows, terminal: isTTY, chalk });
}

function json({ counts, workers, throughput: pace }: Snapshot): string {
  const shown = workers.map(({ inFlight, ...worker }) => ({
    ...worker,
    inFlight: inFlight.map(({ payload, ...item }) => ({ ...item, item: displayName(payload, 1000) })),
  }));
  const left = pace && counts.state === "open" ? timeLeft(counts.total - settledCount(counts), pace) : null;
  return JSON.stringify({ ...counts, rate: pace?.rate ?? null, left, workers: shown });
}

const program = command({
  name: "status",
  description: "Where the batch stands: counts, rate, time left, workers, the slowest items in hand.",
  examples: [
    ["npm run status", "one look"],
    ["npm run status -- --watch", "drawn anew each second until it is over"],
    ["npm run -s status -- --json | jq .done", "for programs"],
  ],
  exitCodes: { 0: "finished, every item done", 1: "finished with failed items, or aborted", 2: "not over yet" },
})
  .option("-w, --watch", "draw it anew each second, until it is over")
  .option("--json", "one line of JSON")
  .action(async (options: QueueOptions & { watch?: boolean; json?: boolean }) => {
    await withQueue(options, async (queue) => {
      const pacer = new RateEstimator();
      for (;;) {
        const seen = await look(queue, pacer);
        process.exitCode = exitCode(seen.counts);
        if (options.json) console.log(json(seen));
        else if (options.watch && process.stdout.isTTY) logUpdate(print(queue.title, seen));
        else console.log(print(queue.title, seen));
        if (!options.watch || process.exitCode !== 2) return;
        await sleep(WATCH_MS);
      }
    });
  });
await main(program);
