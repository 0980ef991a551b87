import { setTimeout as sleep } from "node:timers/promises";
import { Chalk } from "chalk";
import { createLogUpdate } from "log-update";
import { progressBar, progressLine } from "./progressBar.ts";
import { RateEstimator } from "./throughput.ts";
import { openQueue } from "../stack/openQueue.ts";
import type { StackLocation } from "../stack/stack.ts";

/** Between two looks, ms; and between two lines where there is no terminal. */
const POLL_MS = 500;
const LINE_INTERVAL_MS = 10_000;

/**
 * Draws the bar of `status` in place until the signal aborts; where there is no terminal, a line now and then. Silent until the stack has its outputs and
 * Redis answers. Never throws: it only watches.
 */
export async function watchProgress(
  home: StackLocation,
  { signal, stream }: { signal: AbortSignal; stream: NodeJS.WriteStream },
): Promise<void> {
  const draw = createLogUpdate(stream);
  const chalk = new Chalk(stream.isTTY ? {} : { level: 0 });
  let said = 0;
  while (!signal.aborted) {
    try {
      const { admin, close } = await openQueue({}, home);
      const pacer = new RateEstimator();
      try {
        for (; !signal.aborted; await sleep(POLL_MS, undefined, { signal })) {
          const counts = await admin.counts();
          pacer.sample(counts);
          if (counts.total === 0) continue;
          const line = progressLine(counts, pacer.throughput());
          if (stream.isTTY) draw(`${progressBar(counts, 30, chalk)}  ${line}`);
          else if (performance.now() - said > LINE_INTERVAL_MS) {
            said = performance.now();
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
