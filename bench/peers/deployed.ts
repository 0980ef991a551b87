// Our queue as a pod runs it: a consumer, with the handler in a runner, a process of its own.
import { fileURLToPath } from "node:url";
import { handlerRunners } from "../../worker/chooseRunners.ts";
import { drainWith, ours } from "./ours.ts";
import type { Peer } from "./peer.ts";

const handler = fileURLToPath(new URL("nothing.ts", import.meta.url));

export const deployed: Peer = {
  ...ours,
  name: "as deployed",

  async drain(url, queue, slots) {
    const runners = handlerRunners(handler, "nothing.ts", {
      concurrency: slots,
      batch: undefined,
      batchWaitMs: 0,
      startTimeoutMs: 60_000,
      graceMs: 5_000,
      onLine: console.error,
    });
    await runners.ready;
    try {
      return await drainWith(url, queue, slots, runners.handler, () => runners.slots);
    } finally {
      await runners.end(1_000);
    }
  },
};
