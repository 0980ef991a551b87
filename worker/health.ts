// The worker's health over HTTP, for the probes of its pod.
import { createServer } from "node:http";
import type { Handler } from "../queue/index.ts";

/** A worker between two items counts as busy for this long, ms, since each change is written to the API server. */
const RECENT_MS = 3_000;

/** Serves `/ready`: 200 while the worker has something in flight, else 503; and `/live`, while its event loop turns. */
export class Health {
  #inFlight = 0;
  #busyAt = -Infinity;

  /** A handler whose items count as in flight. */
  watched(handler: Handler): Handler {
    return async (item, context) => {
      this.#inFlight++;
      try {
        return await handler(item, context);
      } finally {
        this.#inFlight--;
        this.#busyAt = performance.now();
      }
    };
  }

  get isReady(): boolean {
    return this.#inFlight > 0 || performance.now() - this.#busyAt < RECENT_MS;
  }

  serve(port: number): void {
    const answers: Record<string, () => boolean> = { "/ready": () => this.isReady, "/live": () => true };
    const server = createServer(({ url = "" }, response) => {
      const answer = answers[url];
      response.writeHead(answer ? (answer() ? 200 : 503) : 404).end();
    });
    // Another pod on the host's network may have the port: that one answers for both.
    server
      .on("error", () => {})
      .listen(port)
      .unref();
  }
}
