// `wq ui`: a page that shows the batch as it goes, served to this machine's browser.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { InvalidArgumentError } from "commander";
import { queueCommand, type QueueOptions } from "../command.ts";
import { firstLine, UserError } from "../errors.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { LastingQueue, sayAway } from "../follow/lastingQueue.ts";
import { endProcess } from "../processEnd.ts";
import { preloadCluster } from "../stack/openCluster.ts";
import { openBatch, openQueue } from "../stack/openQueue.ts";
import { readBatch } from "../stack/readStack.ts";
import { doorTo } from "./openingFile.ts";

function parsePort(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("Expected a port, 0 to 65535.");
  return Number(text);
}

interface UiOptions extends QueueOptions {
  port: number;
  open: boolean;
  json?: boolean;
}

/** The server is loaded where it is needed, not for `--help`. */
async function loadServer() {
  const { serve } = await import("@hono/node-server");
  const { UiServer } = await import("./server.ts");
  const { newKeys } = await import("./access.ts");
  return { serve, UiServer, newKeys };
}

/** Opens an address in the browser of this machine. If there is none, the address is printed anyway. */
async function openBrowser(address: string): Promise<void> {
  const { default: open } = await import("open");
  try {
    const child = await open(doorTo(address));
    child.on("error", () => {});
  } catch {
    // There is none.
  }
}

export default queueCommand({
  name: "ui",
  description:
    "Serves a page to this machine's browser, which shows the batch live: counts, rate, time left, workers, failures, timeline, an item's attempts and log; with buttons for pause, resume, retry, cancel and scale. Ctrl-C ends the page; the batch goes on.",
  examples: [
    ["ui", "opens it in the browser"],
    ["ui --no-open --port 8080", "prints the address only"],
  ],
  exitCodes: { [EXIT_OK]: "ended by Ctrl-C or SIGTERM" },
})
  .option("--port <number>", "port on 127.0.0.1; 0: any that is free", parsePort, 0)
  .option("--no-open", "do not open the browser")
  .option("--json", "one line of JSON with the address")
  .action(async ({ port, open, json, ...options }: UiOptions) => {
    preloadCluster();
    const { serve, UiServer, newKeys } = await loadServer();
    const found = options.redis === undefined ? await readBatch(options) : undefined;
    const abort = new AbortController();
    const onAway = (away: string | undefined) => {
      sayAway(away);
      ui?.setAway(away);
    };
    const openAgain = () => (found ? openBatch(found, options.queue) : openQueue(options));
    const lasting = await LastingQueue.open(options, onAway, openAgain);
    const keys = newKeys();
    const ui = new UiServer({ lasting, found, keys, signal: abort.signal });
    await ui.batch(lasting.current.queue);
    const server = serve({ fetch: ui.app.fetch, hostname: "127.0.0.1", port });
    await Promise.race([
      once(server, "listening"),
      once(server, "error").then(([error]) => {
        throw new UserError(`cannot listen on port ${port} of 127.0.0.1: ${firstLine(error)}`);
      }),
    ]);
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${keys.path}?token=${keys.token}`;
    console.log(json ? JSON.stringify({ address }) : `The page is at ${address}`);
    if (open) await openBrowser(address);
    await Promise.race(["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => once(process, signal)));
    abort.abort();
    lasting.close();
    server.close();
    await endProcess(EXIT_OK); // browsers keep connections open
  });
