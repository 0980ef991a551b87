// The worker's health over HTTP, from the lease keeper's thread: it answers while a handler blocks the event loop, too.
import { createServer } from "node:http";
import type { LeaseTable } from "./leaseTable.ts";

/**
 * Time for which a worker between two items counts as busy, ms: every change of its readiness is written to the API
 * server.
 */
const RECENT_MS = 3_000;
/** Time beyond the limit of an item for which the event loop may stand still, ms. */
const MARGIN_MS = 30_000;

/** What Kubernetes asks: whether the worker has something in flight, and whether its event loop turns. */
export class Health {
  readonly #leases: LeaseTable;
  readonly #itemTimeoutMs: number;
  #busyAt = -Infinity;

  constructor(leases: LeaseTable, itemTimeoutMs: number) {
    this.#leases = leases;
    this.#itemTimeoutMs = itemTimeoutMs;
  }

  /** Notes whether there is something in flight; to be called often. */
  look(): void {
    if (this.#leases.list().length > 0) this.#busyAt = this.#leases.now;
  }

  /** Whether the worker has something in flight, or had a moment ago. */
  get isReady(): boolean {
    this.look();
    return this.#leases.now - this.#busyAt < RECENT_MS;
  }

  /** Whether the event loop turned within the time that one item may block it. */
  get isLive(): boolean {
    return this.#leases.now - this.#leases.lastTick < this.#itemTimeoutMs + MARGIN_MS;
  }

  /** Serves `/ready` and `/live`: 200 for yes, 503 for no. */
  serve(port: number): void {
    const answers: Record<string, () => boolean> = { "/ready": () => this.isReady, "/live": () => this.isLive };
    const server = createServer(({ url = "" }, response) => {
      const answer = answers[url];
      response.writeHead(answer ? (answer() ? 200 : 503) : 404).end();
    });
    // Where another pod on the host's network has the port, that one answers for both.
    server
      .on("error", () => {})
      .listen(port)
      .unref();
  }
}
