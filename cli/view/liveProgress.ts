import { setTimeout as sleep } from "node:timers/promises";
import { Chalk } from "chalk";
import { createLogUpdate } from "log-update";
import type { QueueAdmin } from "../../queue/index.ts";
import { progressBar, progressLine } from "./progressBar.ts";
import { RateEstimator } from "./throughput.ts";

const POLL_MS = 500;
/** Between two lines where there is no terminal. */
const LINE_INTERVAL_MS = 10_000;

/** A queue that can be asked, and what to close afterwards. */
interface Watched {
  admin: Pick<QueueAdmin, "counts">;
  close: () => void;
}

/**
 * Draws the bar of `wq status` in place until the signal aborts; where there is no terminal, a line now and then.
 * Silent until the queue can be opened. Never throws: it only watches.
 */
export async function watchProgress(
  open: () => Promise<Watched>,
  { signal, stream }: { signal: AbortSignal; stream: NodeJS.WriteStream },
): Promise<void> {
  const draw = createLogUpdate(stream);
  const chalk = new Chalk(stream.isTTY ? {} : { level: 0 });
  let lastLineAt = 0;
  while (!signal.aborted) {
    try {
      const { admin, close } = await open();
      const estimator = new RateEstimator();
      try {
        for (; !signal.aborted; await sleep(POLL_MS, undefined, { signal })) {
          const counts = await admin.counts();
          estimator.sample(counts);
          if (counts.total === 0) continue;
          const line = progressLine(counts, estimator.throughput());
          if (stream.isTTY) draw(`${progressBar(counts, 30, chalk)}  ${line}`);
          else if (performance.now() - lastLineAt > LINE_INTERVAL_MS) {
            lastLineAt = performance.now();
            stream.write(`${line}\n`);
          }
        }
      } finally {
        close();
      }
    } catch {
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }
  if (stream.isTTY) draw.clear();
}
