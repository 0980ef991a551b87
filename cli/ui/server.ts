// The server of `wq ui`: one page, what it shows as server-sent events, and the changes it may ask for.
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { QueueAdmin, resultRow } from "../../queue/index.ts";
import { firstLine, UserError } from "../errors.ts";
import type { LastingQueue } from "../follow/lastingQueue.ts";
import type { FoundBatch } from "../stack/readStack.ts";
import { stateText } from "../view/progressBar.ts";
import { settledCount } from "../view/throughput.ts";
import { guard, type Keys, policy } from "./access.ts";
import { type Change, changes } from "./changes.ts";
import type { ListedBatch, LiveItem } from "./liveState.ts";
import { LiveBatch } from "./liveBatch.ts";
import { liveLog } from "./liveLog.ts";
import { page, scriptOf, styleOf } from "./page.ts";

/** Parts that the server is made of. */
export interface UiOptions {
  lasting: LastingQueue;
  /** The batch's stack, if it has one. */
  found: FoundBatch | undefined;
  keys: Keys;
  signal: AbortSignal;
}

/** The batches that were looked at, and the routes to them. */
export class UiServer {
  readonly app = new Hono();
  readonly #options: UiOptions;
  readonly #batches = new Map<string, LiveBatch>();

  constructor(options: UiOptions) {
    this.#options = options;
    const { app } = this;
    app.use(policy, guard(options.keys));
    app.onError((error, c) => c.text(`${firstLine(error)}\n`, error instanceof UserError ? 409 : 500));
    const pages = app.basePath(options.keys.path);
    pages.get("/", (c) => c.html(page(options.lasting.current.queue)));
    pages.get("/page.js", (c) => c.body(scriptOf(), 200, { "content-type": "text/javascript" }));
    pages.get("/page.css", (c) => c.body(styleOf(), 200, { "content-type": "text/css" }));
    pages.get("/api/batches", async (c) => c.json(await this.#list()));
    pages.get("/api/batches/:queue/events", (c) => this.#events(c));
    pages.get("/api/batches/:queue/items", (c) => this.#find(c));
    pages.get("/api/batches/:queue/items/:id", (c) => this.#item(c));
    pages.get("/api/batches/:queue/items/:id/log", (c) => this.#log(c));
    for (const [name, change] of Object.entries(changes))
      pages.post(`/api/batches/:queue/${name}`, (c) => this.#change(c, change));
  }

  /** Redis went away, or came back. */
  setAway(away: string | undefined): void {
    for (const batch of this.#batches.values()) batch.setAway(away);
  }

  /** The batch of this name. @throws UserError if this Redis has none. */
  async batch(queue: string): Promise<LiveBatch> {
    const known = this.#batches.get(queue);
    if (known) return known;
    const { lasting, found, signal } = this.#options;
    const { current } = lasting;
    const isMain = queue === current.queue;
    const { total, owner } = await new QueueAdmin(current.redis, queue).counts();
    if (!isMain && total === 0 && owner === "") throw new UserError(`this Redis has no batch ${queue}`);
    const meanwhile = this.#batches.get(queue); // another request was first
    if (meanwhile) return meanwhile;
    const hasJob = isMain && found?.batch.workerJob !== undefined;
    const batch = new LiveBatch(lasting, queue, isMain ? current.title : queue, hasJob);
    this.#batches.set(queue, batch);
    void batch.watch(signal).catch(() => {}); // it ended with the server
    return batch;
  }

  #of(c: Context): Promise<LiveBatch> {
    return this.batch(c.req.param("queue")!);
  }

  async #list(): Promise<ListedBatch[]> {
    const all = await QueueAdmin.list(this.#options.lasting.current.redis);
    return all.map(({ queue, counts }) => {
      return { queue, state: stateText(counts), total: counts.total, settled: settledCount(counts) };
    });
  }

  /** Each look as an event, and the report's data when it changed. A browser that reads slowly gets the last ones. */
  async #events(c: Context): Promise<Response> {
    const batch = await this.#of(c);
    return streamSSE(c, async (stream) => {
      let told: number | undefined;
      while (!stream.aborted && !this.#options.signal.aborted) {
        const { state, report } = batch;
        if (state) await stream.writeSSE({ event: "state", data: JSON.stringify(state) });
        if (report && report.version !== told) {
          await stream.writeSSE({ event: "report", data: report.value });
          told = report.version;
        }
        await batch.next();
      }
    });
  }

  async #find(c: Context): Promise<Response> {
    const { admin } = await this.#of(c);
    return c.json(await admin.find(c.req.query("text") ?? ""));
  }

  async #item(c: Context): Promise<Response> {
    const { admin } = await this.#of(c);
    const id = Number(c.req.param("id"));
    for await (const record of admin.records([id])) {
      const { item, outcome, result, reason } = resultRow(record);
      const { attempts } = record;
      const live: LiveItem = { id, item, outcome, result, reason, attempts, log: (await admin.log(id)) ?? null };
      return c.json(live);
    }
    throw new UserError(`no item ${id} was given to a worker yet`);
  }

  /** The lines that an item logs from now on. */
  async #log(c: Context): Promise<Response> {
    const batch = await this.#of(c);
    const id = Number(c.req.param("id"));
    return streamSSE(c, async (stream) => {
      const isOver = () => stream.aborted || this.#options.signal.aborted;
      for await (const lines of liveLog(this.#options.lasting, batch, id, isOver))
        await stream.writeSSE({ event: "lines", data: JSON.stringify(lines) });
    });
  }

  async #change(c: Context, change: Change): Promise<Response> {
    const batch = await this.#of(c);
    const wanted = (await c.req.json().catch(() => ({}))) as Record<string, unknown>;
    const { current } = this.#options.lasting;
    const isMain = batch.queue === current.queue;
    if (isMain) await current.ensureOwn();
    return c.json({ message: await change(batch, wanted, isMain ? this.#options.found : undefined) });
  }
}
