import assert from "node:assert/strict";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { connect, keys, QueueAdmin, Seeder } from "../../../../queue/index.ts";
import { encodeRequest, parseReply, type RawReply } from "../../../../queue/redis/ackAndReserve.ts";
import type { Outcome } from "../../../../queue/redis/callContent.ts";
import { renewLeases, renewScript } from "../../../../queue/redis/renewal.ts";
import { Script } from "../../../../queue/redis/script.ts";
import { pass } from "../../../support/consuming.ts";
import { BACKOFF, type Call, type Ending, idOf, LEASE, QueueModel } from "../../../support/queueModel.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";
import { bound, MAX_STEPS, SettlingWorker, STEP } from "../../../support/settlingWorker.ts";

const k = keys("job2");
const script = new Script("ack-and-reserve");
/** Sums of these stay 5 s away from every time of the model. A run takes less, so its real time changes nothing. */
const TICK = 30_000;
const BACK = 45_000;
/** Four of these nearly fill the 4 MiB of a call. */
const LONG = "L".repeat(1_000_000);

/** A call that reserves this many items makes Redis keep its sets as tables. */
const MANY = 64;

const maxLosses = fc.constantFrom(3, 3, 1);
const session = fc.constantFrom("A", "B", "C");
const picks = fc.array(fc.nat({ max: 30 }), { maxLength: 3 });
const ending = fc.constantFrom<Ending>("done", "failed", "dead", "dead", "released", "lost");
const payload = fc.constantFrom("", "x", "y", LONG);
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      call: session,
      reserve: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 6 }) }, { weight: 1, arbitrary: fc.constant(MANY) }),
      exclusive: fc.boolean(),
      acks: fc.array(fc.tuple(fc.nat({ max: 30 }), ending), { maxLength: 3 }),
      hears: fc.boolean(),
      begins: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ resend: session }) },
  { weight: 1, arbitrary: fc.record({ late: session }) },
  { weight: 3, arbitrary: fc.record({ renew: session, picks }) },
  { weight: 3, arbitrary: fc.record({ pass: fc.constantFrom(1, 3) }) },
  { weight: 2, arbitrary: fc.record({ silence: fc.constant(3), isProven: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ back: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ push: payload }) },
  { weight: 1, arbitrary: fc.record({ pop: fc.constant(1) }) },
  { weight: 1, arbitrary: fc.record({ grow: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ pause: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ requeue: fc.constant(true) }) },
  {
    weight: 1,
    arbitrary: fc.record({ cut: fc.nat({ max: 5 }), inside: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The workers that go on after the last fault: which items fail on each, and how long their attempts take. */
const settling = fc.record({
  workers: fc.array(
    fc.record({ bad: fc.constantFrom("none", "all", "some"), steps: fc.integer({ min: 1, max: MAX_STEPS }) }),
    { minLength: 1, maxLength: 3 },
  ),
  mayAbort: fc.boolean(),
  slots: fc.constantFrom(4, MANY),
  /** Number of workers that vanished before. From 3 on, each worker gets one item at a time. */
  vanishings: fc.constantFrom(0, 3),
});
type Settling = typeof settling extends fc.Arbitrary<infer S> ? S : never;

const failing = { bad: "all", steps: 1 } as const;
const twoFailing: Settling = { workers: [failing, failing], mayAbort: true, slots: 4, vanishings: 0 };
const afterVanished: Settling = { ...twoFailing, slots: MANY, vanishings: 3 };

/** Steps of the first runs, which are fixed: they need so many steps in the right order that chance may miss them. */
const first = { call: "A", reserve: 1, exclusive: false, acks: [], hears: true, begins: true } satisfies Step;
const putBack: Step[] = [first, { ...first, acks: [[0, "dead"]] }, { requeue: true }];
const look: Step = { ...first, call: "B", reserve: 0 };
const expire: Step[] = [{ ...first, reserve: 6 }, { pass: 3 }, look];
const late: Step[] = [...expire, { renew: "A", picks: [0] }, { ...first, acks: [[0, "done"]] }];
const unbegun: Step[] = [
  { ...first, reserve: 6, begins: false },
  { pass: 3 },
  { ...first, call: "B", exclusive: true },
];
const overtaken: Step[] = [
  ...expire,
  { pass: 1 },
  { ...first, call: "B", exclusive: true },
  { ...first, acks: [0, 1, 2, 3, 4].map((pick) => [pick, "done"]) },
];
const stuck: Step[] = [first, { resend: "A" }, first, first, { late: "A" }];
const refilled: Step[] = [first, { ...first, acks: [[0, "done"]] }, { push: "x" }, first];
const excused: Step[] = [first, { silence: 3, isProven: false }, { pass: 3 }, look];
const thrice: Step[] = [
  ...expire,
  ...[1, 2].flatMap((): Step[] => [{ pass: 1 }, { ...first, call: "B", exclusive: true }, { pass: 3 }]),
  first,
];
const alone: Step[] = [
  ...expire,
  { pass: 1 },
  { ...first, call: "B", exclusive: true },
  { pass: 3 },
  look,
  { pass: 1 },
  { ...first, call: "B", exclusive: true },
];
const crowd = ["a", LONG, LONG, LONG, LONG, LONG, LONG];

/** Number of events in all runs: each must happen. */
const happened = {
  reserved: 0,
  stale: 0,
  again: 0,
  old: 0,
  finished: 0,
  reopened: 0,
  restarts: 0,
  requeued: 0,
  cutShort: 0,
  lost: 0,
  excused: 0,
  unbegun: 0,
  takenBack: 0,
  alone: 0,
  clockBack: 0,
  dead: 0,
};

/** One run: a queue, the model beside it, and three sessions that remember what they heard. */
class Run {
  readonly #server: TestRedis;
  #redis!: Awaited<ReturnType<typeof connect>>;
  #admin!: QueueAdmin;
  #model: QueueModel;
  /** By session: its last call, the last one that was sent again, and all leases it ever heard of, good or not. */
  readonly #sessions: Record<string, { number: number; last?: Call; resent?: Call | undefined; members: string[] }> =
    {};
  /** The model and the length of the log after each step. `atomic`: the step is one script. */
  #past: { model: QueueModel; size: number; atomic: boolean }[] = [];

  constructor(server: TestRedis, maxLosses: number) {
    this.#server = server;
    this.#model = new QueueModel(maxLosses);
  }

  async begin(items: string[]): Promise<void> {
    await this.#connect();
    await this.#redis.flushall();
    await this.#redis.config("SET", "appendfsync", "always");
    this.#model.grow(items);
    await this.#seed();
    await this.#remember(false);
  }

  /** Lets new workers end the batch, without another fault. @returns The state of the batch. */
  async settle({ workers, vanishings, ...manner }: Settling): Promise<string> {
    await this.#redis.config("SET", "appendfsync", "no"); // Redis is not restarted any more
    await this.#admin.resume();
    const settling = workers.map(({ bad, steps }, index) => {
      const habit = (payload: string) => ({ isGood: bad === "none" || (bad === "some" && payload !== "a"), steps });
      return new SettlingWorker(this.#redis, script, `pod-${index}`, habit, {
        ...manner,
        maxLosses: this.#model.maxLosses,
      });
    });
    const { total } = await this.#admin.counts();
    if (await this.#redis.exists(k.batch)) await this.#redis.hset(k.batch, { vanishings });
    for (let now = 0; settling.some(({ isOver }) => !isOver); now += STEP) {
      const counts = await this.#admin.counts();
      assert.ok(now <= bound(total), `it does not end: ${JSON.stringify(counts)}`);
      for (const worker of settling) await worker.renew();
      for (const worker of settling) await worker.step(now);
      await this.#jump(STEP);
    }
    const { state, waiting, running, delayed } = await this.#admin.counts();
    if (state === "aborted") {
      assert.ok(
        manner.mayAbort && workers.every(({ bad }) => bad !== "none"),
        "aborted, and somebody would have done it",
      );
    } else assert.deepEqual([state, waiting, running, delayed], ["finished", 0, 0, 0]);
    return state;
  }

  async #connect(): Promise<void> {
    this.#redis = await connect(this.#server.url);
    this.#admin = new QueueAdmin(this.#redis, "job2");
    await Promise.all([script.load(this.#redis), renewScript.load(this.#redis)]);
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
    await this.#redis.ping(); // after an answer, all that came before it is in the log
    this.#past.push({ model: structuredClone(this.#model), size: statSync(this.#log).size, atomic });
  }

  async step(step: Step): Promise<void> {
    const model = this.#model;
    if ("call" in step) await this.#call(step);
    else if ("resend" in step) {
      const known = this.#session(step.resend);
      if (known.last) await this.#send((known.resent = { ...known.last, isResent: true }), true);
    } else if ("late" in step) {
      // The first copy of a resent call arrives after all: it was stuck in a dead connection.
      const { resent } = this.#session(step.late);
      if (resent) await this.#send({ ...resent, isResent: false }, false);
    } else if ("renew" in step) await this.#renew(step.renew, this.#pick(step.renew, step.picks));
    else if ("pass" in step) {
      for (let tick = 0; tick < step.pass; tick++) {
        await this.#jump(TICK);
        await this.#renew("onlooker", []);
      }
    } else if ("silence" in step) {
      await this.#jump(TICK * step.silence);
      await this.#renew("onlooker", []);
      model.silenceProven = step.isProven;
      await this.#redis.hset(k.batch, "silenceProven", step.isProven ? 1 : 0);
    } else if ("back" in step) {
      if (model.lastHeartbeat !== undefined) happened.clockBack++;
      await this.#jump(-BACK);
    } else if ("push" in step) {
      await this.#redis.rpush(k.list, step.push);
      model.waiting.push(step.push);
    } else if ("pop" in step) {
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
    if (!("cut" in step)) await this.#remember("call" in step || "resend" in step || "renew" in step);
    if ("call" in step && step.begins && step.hears) await this.#begin(step.call);
  }

  /** Begins what its last call brought. */
  async #begin(session: string): Promise<void> {
    const { members, number } = this.#session(session);
    const begun = members.filter((member) => member.endsWith(`.${number}`));
    for (const member of begun) {
      const deadline = await this.#redis.zscore(k.leases, member);
      if (deadline) await this.#redis.zadd(k.leases, "XX", "GT", Math.floor(Number(deadline)) + 0.5, member);
    }
    this.#model.begin(begun);
    await this.#remember(false);
  }

  #session(name: string) {
    return (this.#sessions[name] ??= { number: 0, members: [] });
  }

  /** Some of the leases that the session ever heard of, one per item; the newest ones are the likeliest. */
  #pick(name: string, picks: number[]): string[] {
    const { members } = this.#session(name);
    const picked = picks.flatMap((pick) => members.at(-1 - pick) ?? []);
    return [...new Map(picked.map((member) => [idOf(member), member])).values()];
  }

  async #renew(session: string, members: string[]): Promise<void> {
    const { lost } = this.#model;
    const { gone } = await renewLeases(this.#redis, "job2", { session, lease: LEASE, members });
    assert.deepEqual(gone, this.#model.renew(members));
    happened.takenBack += lost - this.#model.lost;
  }

  async #call(step: Extract<Step, { call: string }>): Promise<void> {
    const known = this.#session(step.call);
    const endings = new Map<string, Ending>();
    for (const [pick, ending] of step.acks)
      for (const member of this.#pick(step.call, [pick])) endings.set(member, ending);
    const oneAnItem = new Map([...endings].map(([member, ending]) => [idOf(member), { member, ending }]));
    const { reserve, exclusive } = step;
    known.last = { session: step.call, number: ++known.number, reserve, exclusive, acks: [...oneAnItem.values()] };
    await this.#send(known.last, step.hears);
  }

  /** Sends it to Redis and to the model; the session hears the answer, or it is lost. */
  async #send(call: Call, hears: boolean): Promise<void> {
    const { session, number, isResent = false, reserve, exclusive } = call;
    const outcomes = call.acks.map(toOutcome);
    const common = { session, number, isResent, outcomes, reserve, exclusive };
    const request = encodeRequest({ ...common, lease: LEASE, maxLosses: this.#model.maxLosses });
    const raw = (await script.sendRequest(this.#redis, "job2", request)) as RawReply;
    const { kind, stale, reserved } = parseReply(raw, number);
    const told = reserved.map(({ call: _, deadline: _at, ...item }) => ({ ...item, payload: String(item.payload) }));
    const model = this.#model;
    const before = { lost: model.lost, state: model.state, silences: silences(model), dead: model.ids("dead").length };
    model.call(call, { kind, stale, reserved: told });
    happened.lost += Math.max(0, model.lost - before.lost);
    happened.unbegun += reserved.filter(({ losses, isTold }) => isTold && losses === 0).length;
    happened.excused += Math.max(0, silences(model) - before.silences);
    happened.dead += Math.max(0, model.ids("dead").length - before.dead);
    if (model.lost < before.lost) happened.takenBack++;
    if (before.state === "finished" && model.state === "open") happened.reopened++;
    if (reserved.length > 1 && reserved.length < reserve && model.waiting[0] === LONG) happened.cutShort++;
    happened.stale += stale.length;
    happened.reserved += reserved.length;
    happened.alone += reserved.filter(({ runsAlone }) => runsAlone).length;
    if (kind === "again" || kind === "old" || kind === "finished") happened[kind]++;
    if (!hears) return;
    const { members } = this.#session(session);
    for (const { id } of reserved) {
      const member = `${id}:${session}.${number}`;
      if (!members.includes(member)) members.push(member);
    }
  }

  /** Time passes and nobody is heard (docs/queue/timing.md). */
  async #jump(ms: number): Promise<void> {
    this.#model.now += ms;
    await pass(this.#redis, ms);
    // A batch is ended if all its workers vanish. The model leaves that out.
    if (await this.#redis.exists(k.batch)) await this.#redis.hset(k.batch, "vanishings", 0);
  }

  /**
   * Kills Redis, and cuts its log after an earlier step, or in the middle of the step after that.
   */
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
    // Calls that were stuck in a connection are gone with it.
    for (const known of Object.values(this.#sessions)) known.resent = undefined;
    happened.restarts++;
  }

  /** Checks that everything is where the model has it, and nowhere else. */
  async #compare(): Promise<void> {
    const model = this.#model;
    const [list, members, delayed, suspects, items, results, payloads, dead] = await Promise.all([
      this.#redis.lrange(k.list, 0, "-1"),
      this.#redis.zrange(k.leases, "0", "-1"),
      ...[k.delayed, k.suspects].map((key) => this.#redis.zrange(key, "0", "-1")),
      ...[k.items, k.results, k.payloads].map((key) => this.#redis.hkeys(key)),
      this.#redis.zrange(k.dead, "0", "-1"),
    ]);
    const numbers = (ids: string[] | undefined) => ids!.map(Number).sort((a, b) => a - b);
    assert.deepEqual(list, model.waiting, "waiting");
    assert.deepEqual(members.toSorted(), model.members().toSorted(), "leases");
    assert.deepEqual(numbers(delayed), model.ids("delayed"), "delayed");
    assert.deepEqual(numbers(suspects), model.ids("suspect"), "suspects");
    assert.deepEqual(numbers(dead), model.ids("dead"), "dead");
    const held = [...members.map((member) => String(idOf(member))), ...delayed, ...suspects!];
    assert.deepEqual(numbers(items), numbers(held), "items");
    assert.deepEqual(numbers(results), numbers([...dead!, ...model.ids("done").map(String)]), "results");
    const long = [...model.items].flatMap(([id, item]) => (item.payload === LONG ? [`${id}`, `${id}+`] : []));
    assert.deepEqual(payloads!.toSorted(), long.toSorted(), "payloads");

    const counts = await this.#admin.counts();
    const { total, waiting, running, external, lost } = counts;
    assert.equal(waiting + running + counts.delayed + counts.done + counts.dead, total - external, "the counts add up");
    assert.equal(lost, model.lost);
    const open = model.state === "open" || waiting > 0;
    assert.equal(counts.state, open ? (model.paused ? "paused" : "open") : "finished");
  }
}

function toOutcome({ member, ending }: Call["acks"][number]): Outcome {
  const id = idOf(member);
  if (ending === "done") return { kind: ending, id, member, line: "d5\n" };
  if (ending === "released") return { kind: ending, id, member, line: "r5\n" };
  if (ending === "lost") return { kind: ending, id, member, line: '"no"\n' };
  const line = 'f5 "no"\n';
  return ending === "failed"
    ? { kind: "retry", delayMs: BACKOFF, id, member, line }
    : { kind: "dead", id, member, line };
}

const silences = (model: QueueModel) => [...model.items.values()].reduce((sum, item) => sum + item.silences, 0);

describe("the scripts, against a model", () => {
  let server: TestRedis;

  before(async () => {
    const log = ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];
    server = await startRedis({ args: log });
  });
  after(() => server.stop());

  /** The run under way. At its time limit, a property leaves it to itself, and it would meet the next test. */
  let inHand: Promise<void>;
  const run = (items: string[], maxLosses: number, act: (run: Run) => Promise<unknown>) => {
    const go = async () => {
      const run = new Run(server, maxLosses);
      await run.begin(items);
      await act(run).finally(() => run.end());
    };
    return (inHand = go());
  };
  afterEach(() => inHand);

  it("have each item in exactly one place, whatever is reserved, lost, acknowledged late, sent twice, or forgotten by Redis", async () => {
    const items = fc.array(fc.constantFrom("a", "b", "", "é\n\n"), { maxLength: 7 });
    const steps = fc.array(step, { minLength: 5, maxLength: 40, size: "max" });
    await fc.assert(
      fc.asyncProperty(items, steps, maxLosses, (items, steps, maxLosses) =>
        run(items, maxLosses, async (run) => {
          for (const step of steps) await run.step(step);
        }),
      ),
      {
        examples: [
          [crowd, putBack, 3],
          [crowd, late, 3],
          [crowd, unbegun, 3],
          [crowd, overtaken, 3],
          [crowd, thrice, 3],
          [crowd, alone, 3],
          [crowd, stuck, 3],
          [["a"], refilled, 3],
          [["a"], excused, 3],
        ],
        numRuns: 200,
        interruptAfterTimeLimit: 25_000,
      },
    );
    console.log(`      ${JSON.stringify(happened)}`);
    for (const [what, count] of Object.entries(happened)) assert.ok(count > 0, `${what} never happened`);
  });

  it("end every batch within the known time after the last fault", async () => {
    const items = fc.array(fc.constantFrom("a", "b"), { maxLength: 14 });
    const steps = fc.array(step, { maxLength: 20, size: "max" });
    const ends = new Set<string>();
    await fc.assert(
      fc.asyncProperty(items, steps, maxLosses, settling, (items, steps, maxLosses, settling) =>
        run(items, maxLosses, async (run) => {
          for (const step of steps) await run.step(step);
          ends.add(await run.settle(settling));
        }),
      ),
      {
        examples: [
          [Array<string>(12).fill("a"), [first], 3, twoFailing],
          [Array<string>(40).fill("a"), [first], 3, twoFailing],
          [crowd, thrice, 3, twoFailing],
          [crowd, expire, 1, afterVanished],
        ],
        numRuns: 100,
        interruptAfterTimeLimit: 25_000,
      },
    );
    assert.deepEqual([...ends].sort(), ["aborted", "finished"]);
  });
});
