import { setTimeout as sleep } from "node:timers/promises";
import { Chalk, type ChalkInstance } from "chalk";
import { createLogUpdate } from "log-update";
import type { Counts, QueueAdmin } from "../../queue/index.ts";
import { progressBar, progressLine } from "./progressBar.ts";
import { RateEstimator } from "./throughput.ts";

const POLL_MS = 500;
/** Between two lines if there is no terminal. */
const LINE_INTERVAL_MS = 10_000;

/** A queue that can be asked, and what to close afterwards. */
interface Watched {
  admin: Pick<QueueAdmin, "counts">;
  close: () => void;
}

/** Progress of a batch: a bar in a terminal; elsewhere a line now and then, if it is wanted. */
export class LiveProgress {
  readonly #stream: NodeJS.WriteStream;
  readonly #hasLines: boolean;
  readonly #draw: ReturnType<typeof createLogUpdate>;
  readonly #chalk: ChalkInstance;
  readonly #estimator = new RateEstimator();
  #lastLineAt = -Infinity;

  constructor(stream: NodeJS.WriteStream, hasLines: boolean) {
    this.#stream = stream;
    this.#hasLines = hasLines;
    this.#draw = createLogUpdate(stream);
    this.#chalk = new Chalk(stream.isTTY ? {} : { level: 0 });
  }

  show(counts: Counts): void {
    this.#estimator.sample(counts);
    const line = progressLine(counts, this.#estimator.throughput());
    if (this.#stream.isTTY) this.#draw(`${progressBar(counts, 30, this.#chalk)}  ${line}`);
    else if (this.#hasLines && performance.now() - this.#lastLineAt > LINE_INTERVAL_MS) {
      this.#lastLineAt = performance.now();
      this.#stream.write(`${line}\n`);
    }
  }

  clear(): void {
    if (this.#stream.isTTY) this.#draw.clear();
  }
}

/** Shows it until the signal aborts. It is silent until the queue can be opened, and never throws. */
export async function watchProgress(
  open: () => Promise<Watched>,
  { signal, stream }: { signal: AbortSignal; stream: NodeJS.WriteStream },
): Promise<void> {
  const progress = new LiveProgress(stream, true);
  while (!signal.aborted) {
    try {
      const { admin, close } = await open();
      try {
        for (; !signal.aborted; await sleep(POLL_MS, undefined, { signal })) {
          const counts = await admin.counts();
          if (counts.total > 0) progress.show(counts);
        }
      } finally {
        close();
      }
    } catch {
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }
  progress.clear();
}
