// `wq status`: where the batch stands, on one screen.
import { jsonLine } from "../../config/foreignText.ts";
import { setTimeout as sleep } from "node:timers/promises";
import type { Counts } from "../../queue/index.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_UNFINISHED, type ExitCode } from "../exitCodes.ts";
import { LastingQueue, sayAway } from "../follow/lastingQueue.ts";
import { type OpenQueue, withQueue } from "../stack/openQueue.ts";
import { dashboard, type Snapshot } from "../view/dashboard.ts";
import { countsJson, displayName } from "../view/format.ts";
import { RateEstimator, timeLeft, workerThroughput } from "../view/throughput.ts";

const WATCH_MS = 1_000;

/** The exit code that says how the batch stands. */
export function exitCode({ state, dead }: Counts): ExitCode {
  if (state === "aborted" || (state === "finished" && dead > 0)) return EXIT_FAILED;
  return state === "finished" ? EXIT_OK : EXIT_UNFINISHED;
}

async function takeSnapshot({ admin, podProblem }: OpenQueue, estimator: RateEstimator): Promise<Snapshot> {
  const { supervision } = admin;
  const [counts, workers, finish, idleShare] = await Promise.all([
    admin.counts(),
    admin.workers(),
    supervision.finishOutput(),
    supervision.idleShare(),
  ]);
  estimator.sample(counts);
  const isIdle = counts.state === "open" && counts.running === 0;
  return {
    counts,
    workers,
    podProblem: isIdle ? await podProblem?.() : undefined,
    throughput: estimator.throughput() ?? workerThroughput(workers, counts),
    finish,
    idleShare,
  };
}

function toJson(queue: string, { counts, workers, throughput, podProblem, finish, idleShare }: Snapshot): string {
  const shown = workers.map(({ inFlight, ...worker }) => ({
    ...worker,
    inFlight: inFlight.map(({ payload, ...item }) => ({ ...item, item: displayName(payload, 1000) })),
  }));
  const isRunning = throughput !== undefined && counts.state === "open";
  const left = isRunning ? timeLeft(counts, throughput) : null;
  const rate = throughput?.rate ?? null;
  return jsonLine({ queue, ...countsJson(counts), rate, left, workers: shown, podProblem, idleShare, finish });
}

interface Printer {
  print: (snapshot: Snapshot) => void;
  /** Lets the next snapshot be drawn below this one. */
  leave: () => void;
}

const jsonPrinter = (queue: string): Printer => ({
  print: (snapshot) => console.log(toJson(queue, snapshot)),
  leave: () => {},
});

/** Prints snapshots; in a terminal, with `watch`, each over the one before. */
async function printer(title: string, watch: boolean): Promise<Printer> {
  const { default: chalk } = await import("chalk");
  const inPlace = watch && process.stdout.isTTY ? (await import("log-update")).default : undefined;
  const draw = inPlace ?? ((text: string) => console.log(text));
  const print = (snapshot: Snapshot) => {
    const { columns = 80, rows = 24, isTTY = false } = process.stdout;
    draw(dashboard(title, snapshot, { columns: isTTY ? columns : Infinity, rows, terminal: isTTY, chalk }));
  };
  return { print, leave: () => inPlace?.done() };
}

/** Prints snapshots until the batch is over: a Redis that goes away is waited for. */
async function watchStatus(options: QueueOptions, json: boolean): Promise<void> {
  const queue = await LastingQueue.open(options, (away) => {
    leave();
    sayAway(away);
  });
  const { queue: name, title } = queue.current;
  const { print, leave } = json ? jsonPrinter(name) : await printer(title, true);
  try {
    const estimator = new RateEstimator();
    for (;;) {
      const snapshot = await queue.ask((current) => takeSnapshot(current, estimator));
      queue.isThere(snapshot.counts);
      process.exitCode = exitCode(snapshot.counts);
      print(snapshot);
      if (process.exitCode !== EXIT_UNFINISHED) return;
      await sleep(WATCH_MS);
    }
  } finally {
    queue.close();
  }
}

export default queueCommand({
  name: "status",
  description: "Shows where the batch stands: counts, rate, time left, workers, the slowest items in flight.",
  examples: [
    ["status", "one look"],
    ["status --watch", "redrawn each second until the batch is over"],
    ["status --json | jq .done", "for programs"],
  ],
  exitCodes: {
    [EXIT_OK]: "finished, every item done",
    [EXIT_FAILED]: "finished with failed items, or aborted",
    [EXIT_UNFINISHED]: "not over yet",
  },
})
  .option("-w, --watch", "redraw each second, until the batch is over")
  .option("--json", "one line of JSON")
  .action(async ({ watch = false, json = false, ...options }: QueueOptions & { watch?: boolean; json?: boolean }) => {
    if (watch) return watchStatus(options, json);
    await withQueue(options, async (queue) => {
      const { print } = json ? jsonPrinter(queue.queue) : await printer(queue.title, false);
      const snapshot = await takeSnapshot(queue, new RateEstimator());
      process.exitCode = exitCode(snapshot.counts);
      print(snapshot);
    });
  });
