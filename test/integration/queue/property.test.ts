import assert from "node:assert/strict";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { connect, keys, QueueAdmin, Seeder } from "../../../queue/index.ts";
import type { Outcome } from "../../../queue/consumer/outcome.ts";
import { encodeRequest, parseReply, type RawReply } from "../../../queue/redis/ackAndReserve.ts";
import { Script } from "../../../queue/redis/script.ts";
import { BACKOFF, type How, LEASE, QueueModel, type Said } from "../../support/queueModel.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const k = keys("job2");
const scripts = { exchange: new Script("ack-and-reserve"), renew: new Script("renew") };
/** No two of the times in the model are closer than 10 s to a sum of these: a run takes less than that. */
const TICK = 30_000;

const session = fc.constantFrom("A", "B", "C");
const picks = fc.array(fc.nat({ max: 30 }), { maxLength: 3 });
const how = fc.constantFrom<How>("done", "failed", "given up", "given up", "released");
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      exchange: session,
      want: fc.nat({ max: 3 }),
      idle: fc.boolean(),
      settle: fc.array(fc.tuple(fc.nat({ max: 30 }), how), { maxLength: 3 }),
      hears: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ again: session }) },
  { weight: 1, arbitrary: fc.record({ late: session }) },
  { weight: 2, arbitrary: fc.record({ renew: session, picks }) },
  { weight: 3, arbitrary: fc.record({ pass: fc.constantFrom(1, 3) }) },
  { weight: 1, arbitrary: fc.record({ silence: fc.constant(3) }) },
  { weight: 1, arbitrary: fc.record({ push: fc.constantFrom("", "x", "y") }) },
  { weight: 1, arbitrary: fc.record({ steal: fc.constant(1) }) },
  { weight: 1, arbitrary: fc.record({ grow: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ pause: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ requeue: fc.constant(true) }) },
  {
    weight: 1,
    arbitrary: fc.record({ cut: fc.nat({ max: 5 }), inside: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The first run: what needs so many steps in the right order that chance may leave it out. */
const given: Step[] = [
  { exchange: "A", want: 1, idle: false, settle: [], hears: true },
  { exchange: "A", want: 1, idle: false, settle: [[0, "given up"]], hears: true },
  { requeue: true },
];

/** What happened over all runs, to be sure that it did. */
const happened = { taken: 0, stale: 0, again: 0, lost: 0, finished: 0, restarts: 0, requeued: 0, graced: 0 };

/** One run: a queue, the model beside it, and three sessions that remember what they heard. */
class Run {
  readonly #server: TestRedis;
  #redis!: Awaited<ReturnType<typeof connect>>;
  #admin!: QueueAdmin;
  #model = new QueueModel();
  /** By session: its last exchange, and all tickets it ever heard of, good or not. */
  readonly #sessions: Record<string, { number: number; last?: Said; members: string[] }> = {};
  /** The model and the length of the log after each step; whether the step is one script. */
  #past: { model: QueueModel; size: number; atomic: boolean }[] = [];

  constructor(server: TestRedis) {
    this.#server = server;
  }

  async begin(items: string[]): Promise<void> {
    await this.#connect();
    await this.#redis.flushall();
    this.#model.grow(items);
    await this.#seed();
    await this.#remember(false);
  }

  async #connect(): Promise<void> {
    this.#redis = await connect(this.#server.url);
    this.#admin = new QueueAdmin(this.#redis, "job2");
  }

  end(): void {
    this.#redis.disconnect();
  }

  async #seed(): Promise<void> {
    const options = { owner: "p/s", run: "1", seedId: "1" };
    await new Seeder({ url: this.#server.url, queue: "job2" }).seed(this.#model.source, options);
  }

  get #log(): string {
    const dir = join(this.#server.dir, "appendonlydir");
    return join(
      dir,
      readdirSync(dir).find((name) => name.endsWith(".incr.aof"))!,
    );
  }

  async #remember(atomic: boolean): Promise<void> {
    await this.#redis.ping(); // the log is written before any answer
    this.#past.push({ model: structuredClone(this.#model), size: statSync(this.#log).size, atomic });
  }

  async step(step: Step): Promise<void> {
    const model = this.#model;
    if ("exchange" in step) await this.#exchange(step);
    else if ("again" in step) {
      const { last } = this.#session(step.again);
      if (last) await this.#say(last, true);
    } else if ("late" in step) {
      const { last } = this.#session(step.late);
      if (last && last.number > 2) await this.#say({ ...last, number: last.number - 2, want: 1 }, false);
    } else if ("renew" in step) {
      const members = this.#pick(step.renew, step.picks);
      const gone = await scripts.renew.run(this.#redis, "job2", LEASE, step.renew, "", ...members);
      assert.deepEqual(gone, model.renew(members));
    } else if ("pass" in step) {
      for (let tick = 0; tick < step.pass; tick++) {
        await this.#jump(TICK);
        await scripts.renew.run(this.#redis, "job2", LEASE, "onlooker", "");
        model.renew([]);
      }
    } else if ("silence" in step) {
      await this.#jump(TICK * step.silence);
      happened.graced++;
    } else if ("push" in step) {
      await this.#redis.rpush(k.list, step.push);
      model.waiting.push(step.push);
    } else if ("steal" in step) {
      assert.equal((await this.#redis.lpop(k.list)) ?? undefined, model.waiting.shift());
    } else if ("grow" in step) {
      model.grow(step.grow);
      await this.#seed();
    } else if ("pause" in step) {
      await (step.pause ? this.#admin.pause() : this.#admin.resume());
      if (!step.pause || model.state === "open" || model.waiting.length > 0) model.paused = step.pause;
    } else if ("requeue" in step) {
      const count = model.requeue();
      assert.equal(await this.#admin.requeueDead(), count);
      happened.requeued += count;
    } else await this.#restart(step);
    await this.#compare();
    if (!("cut" in step)) await this.#remember("exchange" in step || "again" in step || "renew" in step);
  }

  #session(name: string) {
    return (this.#sessions[name] ??= { number: 0, members: [] });
  }

  /** Some of the tickets the session ever heard of, each once; the newest are the likeliest. */
  #pick(name: string, picks: number[]): string[] {
    const { members } = this.#session(name);
    return [...new Set(picks.flatMap((pick) => members.at(-1 - pick) ?? []))];
  }

  async #exchange(step: Extract<Step, { exchange: string }>): Promise<void> {
    const mine = this.#session(step.exchange);
    const hows = new Map<string, How>();
    for (const [pick, how] of step.settle)
      for (const member of this.#pick(step.exchange, [pick])) hows.set(member, how);
    const settled = [...hows].map(([member, how]) => ({ member, how }));
    const { want, idle } = step;
    mine.last = { session: step.exchange, number: ++mine.number, want, idle, settled };
    await this.#say(mine.last, step.hears);
  }

  /** Says it to Redis and to the model; the session hears the answer, or it is lost. */
  async #say(said: Said, hears: boolean): Promise<void> {
    const outcomes = said.settled.map(({ member, how }): Outcome => {
      const attempt = {
        id: id(member),
        member,
        line: how === "done" ? "d5\n" : how === "released" ? "r5\n" : 'f5 "no"\n',
      };
      if (how === "failed") return { ...attempt, kind: "retry", delayMs: BACKOFF };
      return { ...attempt, kind: how === "given up" ? "dead" : how };
    });
    const { session, number, want: reserve, idle: exclusive } = said;
    const request = encodeRequest({ session, number, outcomes, reserve, exclusive, leaseMs: LEASE });
    const reply = parseReply((await this.#exchangeScript(request)) as RawReply, number);
    const heard = {
      kind: reply.kind,
      stale: reply.stale,
      taken: reply.reserved.map(({ id, payload, failures, losses }) => ({
        id,
        payload: String(payload),
        failures,
        losses,
      })),
    };
    const lost = this.#model.lost;
    this.#model.exchange(said, heard);
    happened.lost += this.#model.lost - lost;
    happened.stale += heard.stale.length;
    happened.taken += heard.taken.length;
    if (heard.kind === "again") happened.again++;
    if (heard.kind === "finished") happened.finished++;
    if (!hears) return;
    const { members } = this.#session(said.session);
    for (const { id } of heard.taken) {
      const member = `${id}:${said.session}.${said.number}`;
      if (!members.includes(member)) members.push(member);
    }
  }

  async #exchangeScript(request: string): Promise<unknown> {
    await scripts.exchange.load(this.#redis);
    return scripts.exchange.sendRequest(this.#redis, "job2", request);
  }

  /** Time passes and nobody is heard (queue/README.md, Time). */
  async #jump(ms: number): Promise<void> {
    this.#model.now += ms;
    for (const key of [k.leases, k.delayed, k.suspects]) {
      for (const member of await this.#redis.zrange(key, "0", "-1")) await this.#redis.zincrby(key, -ms, member);
    }
    for (const field of ["lastHeartbeat", "reclaimAfter"]) {
      if (Number(await this.#redis.hget(k.batch, field)) > 0) await this.#redis.hincrby(k.batch, field, -ms);
    }
  }

  /** Redis is killed, and the end of its log is not there: cut after an earlier step, or in the middle of the one after that. */
  async #restart({ cut, inside }: Extract<Step, { cut: number }>): Promise<void> {
    const at = Math.max(0, this.#past.length - 1 - cut);
    const { model, size } = this.#past[at]!;
    const next = this.#past[at + 1];
    this.#redis.disconnect();
    await this.#server.kill();
    truncateSync(this.#log, size + (next?.atomic ? Math.floor((next.size - size) * inside) : 0));
    await this.#server.restart();
    await this.#connect();
    this.#model = structuredClone(model);
    Object.setPrototypeOf(this.#model, QueueModel.prototype);
    this.#past = this.#past.slice(0, at + 1);
    this.#past[at]!.size = statSync(this.#log).size;
    happened.restarts++;
  }

  /** Everything is in the place where the model has it, and nowhere else. */
  async #compare(): Promise<void> {
    const model = this.#model;
    const [list, members, delayed, suspects, items, results, dead] = await Promise.all([
      this.#redis.lrange(k.list, 0, "-1"),
      this.#redis.zrange(k.leases, "0", "-1"),
      ...[k.delayed, k.suspects].map((key) => this.#redis.zrange(key, "0", "-1")),
      ...[k.items, k.results].map((key) => this.#redis.hkeys(key)),
      this.#redis.zrange(k.dead, "0", "-1"),
    ]);
    const numbers = (ids: string[] | undefined) => ids!.map(Number).sort((a, b) => a - b);
    assert.deepEqual(list, model.waiting, "waiting");
    assert.deepEqual(members!.toSorted(), model.members().toSorted(), "leases");
    assert.deepEqual(numbers(delayed), model.ids("delayed"), "delayed");
    assert.deepEqual(numbers(suspects), model.ids("suspect"), "suspects");
    assert.deepEqual(numbers(dead), model.ids("dead"), "dead");
    const held = [...members!.map((member) => String(id(member))), ...delayed!, ...suspects!];
    assert.deepEqual(numbers(items), numbers(held), "items");
    assert.deepEqual(numbers(results), numbers([...dead!, ...model.ids("done").map(String)]), "results");

    const counts = await this.#admin.counts();
    const { total, waiting, running, external, lost } = counts;
    assert.equal(waiting + running + counts.delayed + counts.done + counts.dead, total - external, "the counts add up");
    assert.equal(lost, model.lost);
    const open = model.state === "open" || waiting > 0;
    assert.equal(counts.state, open ? (model.paused ? "paused" : "open") : "finished");
  }
}

function id(member: string): number {
  return Number(member.split(":")[0]);
}

describe("the scripts, against a model", function () {
  this.timeout(60_000);
  let server: TestRedis;

  before(async () => {
    const log = ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];
    server = await startRedis({ args: log });
  });
  after(() => server.stop());

  it("each item is in exactly one place, whatever is taken, lost, settled late, said twice, released or forgotten by Redis", async () => {
    const items = fc.array(fc.constantFrom("a", "b", "", "é\n\n"), { maxLength: 6 });
    const steps = fc.array(step, { minLength: 5, maxLength: 40, size: "max" });
    await fc.assert(
      fc.asyncProperty(items, steps, async (items, steps) => {
        const run = new Run(server);
        await run.begin(items);
        try {
          for (const step of steps) await run.step(step);
        } finally {
          run.end();
        }
      }),
      { examples: [[["a", "b"], given]], numRuns: 200, interruptAfterTimeLimit: 25_000 },
    );
    console.log(`      ${JSON.stringify(happened)}`);
    for (const [what, count] of Object.entries(happened)) assert.ok(count > 0, `${what} never happened`);
  });
});
