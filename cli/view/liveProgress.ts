import { setTimeout as sleep } from "node:timers/promises";
import { Chalk } from "chalk";
import { createLogUpdate } from "log-update";
import { bar, progressLine } from "./progressBar.ts";
import { Pacer } from "./throughput.ts";
import { openQueue } from "../stack/openQueue.ts";
import type { StackHome } from "../stack/stack.ts";

/** Between two looks, ms; and between two lines where there is no terminal. */
const LOOK_MS = 500;
const LINE_MS = 10_000;

/**
 * Draws the bar of `status` in place until the signal aborts; where there is no terminal, a line now and then. Silent until the stack has its outputs and
 * Redis answers. Never throws: it only watches.
 */
export async function watchProgress(
  home: StackHome,
  { signal, stream }: { signal: AbortSignal; stream: NodeJS.WriteStream },
): Promise<void> {
  const draw = createLogUpdate(stream);
  const chalk = new Chalk(stream.isTTY ? {} : { level: 0 });
  let said = 0;
  while (!signal.aborted) {
    try {
      const { admin, close } = await openQueue({}, home);
      const pacer = new Pacer();
      try {
        for (; !signal.aborted; await sleep(LOOK_MS, undefined, { signal })) {
          const counts = await admin.counts();
          pacer.look(counts);
          if (counts.total === 0) continue;
          const line = progressLine(counts, pacer.pace());
          if (stream.isTTY) draw(`${bar(counts, 30, chalk)}  ${line}`);
          else if (performance.now() - said > LINE_MS) {
            said = performance.now();
            stream.write(`${line}\n`);
          }
        }
      } finally {
        close();
      }
    } catch {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }
  if (stream.isTTY) draw.clear();
}
