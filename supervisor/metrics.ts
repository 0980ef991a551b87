import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, Gauge, Registry } from "prom-client";
import type { Counts, QueueAdmin } from "../queue/index.ts";
import { METRICS_PORT } from "../config/ports.ts";
import { durationHistogram } from "./durationHistogram.ts";

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
  workers: ["Worker processes that were heard of late.", ({ workersAlive }: Counts) => workersAlive],
} as const;

/** Values that are read only when Prometheus asks, since they cost more than the counts. */
type Admin = Pick<QueueAdmin, "workers" | "durations">;

/** Metrics of a batch, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #counters: Record<keyof typeof COUNTERS, Counter>;
  readonly #gauges: Record<keyof typeof GAUGES, Gauge>;
  #server?: Server;
  #admin?: Admin;
  #now = 0;
  /** The metrics since the last look. Redis is asked once for each look, however many read them. */
  #text?: Promise<string>;
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
    const age = () => this.#oldestSeconds();
    new Gauge({
      name: "job_wq_2_oldest_running_seconds",
      help: "Time since the oldest item in flight was begun; 0 without one.",
      registers,
      async collect() {
        this.set(await age());
      },
    });
    this.#registry.registerMetric(
      durationHistogram("job_wq_2_attempt_seconds", "How long attempts took.", () =>
        this.#admin?.durations().catch(() => undefined),
      ),
    );
  }

  /** Begins to serve the metrics. @param port 0 for any that is free. @returns The port. */
  async listen(port = METRICS_PORT): Promise<number> {
    this.#server = createServer((request, response) => {
      if (request.method !== "GET" || request.url !== "/metrics") return void response.writeHead(404).end();
      this.#text ??= this.#registry.metrics();
      void this.#text.then((text) => {
        response.setHeader("content-type", this.#registry.contentType).end(text);
        this.#onScrape?.();
      });
    }).listen(port);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sets the metrics to the counts of the batch. @param admin Who is asked for the rest when Prometheus reads. */
  update(counts: Counts, admin: Admin): void {
    this.#admin = admin;
    this.#now = counts.now;
    this.#text = undefined;
    for (const [name, [, value]] of Object.entries(COUNTERS)) {
      const counter = this.#counters[name as keyof typeof COUNTERS];
      counter.reset();
      counter.inc(value(counts));
    }
    for (const [name, [, value]] of Object.entries(GAUGES))
      this.#gauges[name as keyof typeof GAUGES].set(value(counts));
  }

  /** By the clock of Redis. 0 if Redis does not answer. */
  async #oldestSeconds(): Promise<number> {
    const workers = (await this.#admin?.workers().catch(() => [])) ?? [];
    const begun = workers.flatMap(({ inFlight }) => inFlight.map(({ since }) => since));
    return Math.max(0, this.#now - Math.min(this.#now, ...begun)) / 1000;
  }

  /** Waits until the final metrics were read once, at most this long, ms. */
  async close(timeoutMs: number): Promise<void> {
    if (!this.#server?.listening) return;
    await new Promise<void>((resolve) => {
      this.#onScrape = resolve;
      setTimeout(resolve, timeoutMs).unref();
    });
    this.#server.close();
  }
}

function mapValues<T extends object, U>(table: T, make: (name: string, entry: T[keyof T]) => U): Record<keyof T, U> {
  return Object.fromEntries(
    Object.entries(table).map(([name, entry]) => [name, make(name, entry as T[keyof T])]),
  ) as Record<keyof T, U>;
}
