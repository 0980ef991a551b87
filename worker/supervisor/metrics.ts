import { createServer, type Server } from "node:http";
import { Counter, Gauge, Registry } from "prom-client";
import type { Counts } from "../../queue/index.ts";

/** Port of the metrics. */
export const METRICS_PORT = 9464;

const COUNTERS = {
  items_done: ["Items that are done.", ({ done }: Counts) => done],
  items_failed: ["Items that failed for good.", ({ dead }: Counts) => dead],
  attempts_retried: ["Attempts that failed and were retried.", ({ retried }: Counts) => retried],
  attempts_lost: ["Attempts that were lost with their worker.", ({ lost }: Counts) => lost],
} as const;

const GAUGES = {
  items: ["Items of the batch.", ({ total }: Counts) => total],
  items_waiting: ["Items that wait for a worker.", ({ waiting }: Counts) => waiting],
  items_running: ["Items in flight.", ({ running }: Counts) => running],
  items_delayed: ["Items that wait for another attempt.", ({ delayed }: Counts) => delayed],
} as const;

/** Metrics of a batch, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters: Record<keyof typeof COUNTERS, Counter>;
  readonly #gauges: Record<keyof typeof GAUGES, Gauge>;
  #server?: Server;
  /** Called when Prometheus has read them. */
  #onScrape?: () => void;

  /** @param queue Value of the label `queue`. */
  constructor(queue: string) {
    this.#registry.setDefaultLabels({ queue });
    const registers = [this.#registry];
    this.#counters = mapValues(
      COUNTERS,
      (name, [help]) => new Counter({ name: `job_wq_2_${name}_total`, help, registers }),
    );
    this.#gauges = mapValues(GAUGES, (name, [help]) => new Gauge({ name: `job_wq_2_${name}`, help, registers }));
  }

  /** Begins to serve the metrics. */
  listen(port = METRICS_PORT): void {
    this.#server = createServer((request, response) => {
      void this.#registry.metrics().then((text) => {
        response.setHeader("content-type", this.#registry.contentType).end(text);
        if (request.url === "/metrics") this.#onScrape?.();
      });
    }).listen(port);
  }

  /** Sets the metrics to the counts of the batch. */
  update(counts: Counts): void {
    for (const [name, [, value]] of Object.entries(COUNTERS)) {
      const counter = this.#counters[name as keyof typeof COUNTERS];
      counter.reset();
      counter.inc(value(counts));
    }
    for (const [name, [, value]] of Object.entries(GAUGES))
      this.#gauges[name as keyof typeof GAUGES].set(value(counts));
  }

  /** Waits until the last values were read once, at most `timeoutMs`, and stops. */
  async close(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onScrape = resolve;
      setTimeout(resolve, timeoutMs).unref();
    });
    this.#server?.close();
  }
}

function mapValues<T extends object, U>(table: T, make: (name: string, entry: T[keyof T]) => U): Record<keyof T, U> {
  return Object.fromEntries(
    Object.entries(table).map(([name, entry]) => [name, make(name, entry as T[keyof T])]),
  ) as Record<keyof T, U>;
}
