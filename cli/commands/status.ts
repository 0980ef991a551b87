// `npm run status`: where the batch stands, on one screen.
import { setTimeout as sleep } from "node:timers/promises";
import chalk from "chalk";
import logUpdate from "log-update";
import type { Counts } from "../../queue/types.ts";
import { settled } from "../view/progressBar.ts";
import { command, main, type Where } from "../command.ts";
import { paceOfWorkers, Pacer, timeLeft } from "../view/throughput.ts";
import { type OpenQueue, withQueue } from "../stack/openQueue.ts";
import { type Look, screen } from "../view/dashboard.ts";
import { label } from "../view/format.ts";

const WATCH_MS = 1_000;

/** 0: all done, 1: items failed or the batch was aborted, 2: it is not over. */
export function exitCode({ state, dead }: Counts): number {
  if (state === "aborted" || (state === "finished" && dead > 0)) return 1;
  return state === "finished" ? 0 : 2;
}

async function look({ admin }: OpenQueue, pacer: Pacer): Promise<Look> {
  const counts = await admin.counts();
  const workers = (await admin.workers()).filter((worker) => !("ended" in worker && worker.ended));
  pacer.look(counts);
  const pace = pacer.pace() ?? paceOfWorkers(workers, counts);
  return { counts, workers, ...(pace && { pace }) };
}

function print(title: string, seen: Look): string {
  const { columns = 80, rows = 24, isTTY = false } = process.stdout;
  return screen(title, seen, { columns: isTTY ? columns : Infinity, rows, terminal: isTTY, chalk });
}

function json({ counts, workers, pace }: Look): string {
  const shown = workers.map(({ inFlight, ...worker }) => ({
    ...worker,
    inFlight: inFlight.map(({ payload, ...item }) => ({ ...item, item: label(payload, 1000) })),
  }));
  const left = pace && counts.state === "open" ? timeLeft(counts.total - settled(counts), pace) : null;
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
  exits: { 0: "finished, every item done", 1: "finished with failed items, or aborted", 2: "not over yet" },
})
  .option("-w, --watch", "draw it anew each second, until it is over")
  .option("--json", "one line of JSON")
  .action(async (options: Where & { watch?: boolean; json?: boolean }) => {
    await withQueue(options, async (queue) => {
      const pacer = new Pacer();
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
