import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { QueueAdmin, Seeder } from "../../../../queue/index.ts";
import type { Counts, ItemRecord } from "../../../../queue/types.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";

const LEASE_MS = 2_000;
const SLOTS = [1, 1, 1, 1, 2, 2, 2, 2];
const child = join(import.meta.dirname, "../../../support/crashChild.ts");

/** A run of an item by a process, as its log file has it. */
interface Run {
  pid: number;
  item: string;
  ended: boolean;
}

function runs(log: string): Run[] {
  const open = new Map<string, Run>();
  const all: Run[] = [];
  for (const line of readFileSync(log, "utf8").split("\n").slice(0, -1)) {
    const [what, pid, item] = line.split(" ") as [string, string, string];
    if (what === "begin") {
      const run = { pid: Number(pid), item, ended: false };
      open.set(`${pid} ${item}`, run);
      all.push(run);
    } else open.get(`${pid} ${item}`)!.ended = true;
  }
  return all;
}

/** Eight workers that are started again whenever they end with anything but 0, as a Job does. */
class Workers {
  readonly #args: string[];
  /** Workers that have begun an item, by slot, and those that are still starting. */
  readonly #alive: (ChildProcess | undefined)[] = SLOTS.map(() => undefined);
  readonly #all = new Set<ChildProcess>();
  readonly #kept: Promise<void>[] = [];
  /** Processes that a SIGKILL of ours ended. */
  readonly killed = new Set<number>();
  /** The exit codes of those that ended otherwise. */
  readonly codes: number[] = [];
  #over = false;

  constructor(url: string, log: string) {
    this.#args = [url, log];
    for (const slot of SLOTS.keys()) this.#kept.push(this.#keep(slot));
  }

  async #keep(slot: number): Promise<void> {
    while (!this.#over) {
      const args = [child, ...this.#args, String(SLOTS[slot]), String(LEASE_MS)];
      const worker = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "ignore", "ipc"] });
      this.#all.add(worker);
      worker.once("message", () => (this.#alive[slot] = worker));
      const [code, signal] = (await once(worker, "exit")) as [number | null, string | null];
      this.#alive[slot] = undefined;
      this.#all.delete(worker);
      if (signal === "SIGKILL") this.killed.add(worker.pid!);
      else this.codes.push(code ?? -1);
      if (code === 0) return;
    }
  }

  /** Number of workers that have begun an item. */
  get atWork(): number {
    return this.#alive.filter((worker) => worker !== undefined).length;
  }

  /** Workers that a SIGKILL hit in the middle of an item: the log has the beginning of its run and not the end. */
  broken(): number[] {
    const open = new Set(runs(this.#args[1]!).flatMap(({ ended, pid }) => (ended ? [] : [pid])));
    return [...this.killed].filter((pid) => open.has(pid));
  }

  /** Sends a signal to a random worker that is in the middle of an item. */
  signal(signal: NodeJS.Signals): ChildProcess | undefined {
    const busy = new Set(runs(this.#args[1]!).flatMap(({ ended, pid }) => (ended ? [] : [pid])));
    const alive = this.#alive.filter((worker) => worker !== undefined && busy.has(worker.pid!));
    const worker = alive[Math.floor(Math.random() * alive.length)];
    worker?.kill(signal);
    return worker;
  }

  /** Waits until each worker has ended with 0. */
  async finished(): Promise<void> {
    await Promise.all(this.#kept);
  }

  stop(): void {
    this.#over = true;
    for (const worker of this.#all) worker.kill("SIGKILL");
  }
}

/** Number of signals and kills. */
interface Harm {
  terminated: number;
  stopped: number;
  redisKilled: number;
}

/**
 * Kills, terminates and freezes workers, and kills Redis twice: until so many kills hit an item in flight, or the list
 * is empty.
 */
async function harm(workers: Workers, redis: TestRedis, left: () => Promise<number>, kills: number): Promise<Harm> {
  const done: Harm = { terminated: 0, stopped: 0, redisKilled: 0 };
  for (let turn = 1; turn < 30 || workers.broken().length < kills; turn++) {
    if (turn === 10 || turn === 25) {
      done.redisKilled++;
      await redis.kill();
      await sleep(300);
      await redis.restart();
    } else if (turn % 12 === 5) {
      if (workers.signal("SIGTERM")) done.terminated++;
    } else if (turn % 12 === 11) {
      const frozen = workers.signal("SIGSTOP");
      if (frozen) done.stopped++;
      setTimeout(() => frozen?.kill("SIGCONT"), LEASE_MS * 1.5);
    } else workers.signal("SIGKILL");
    // On a slow machine, new workers would otherwise be killed at their first item, over and over.
    do {
      await sleep(100 + Math.random() * 150);
      if ((await left()) === 0) return done;
    } while (workers.atWork < SLOTS.length / 2);
  }
  return done;
}

const text = (count: number) => Array.from({ length: count }, (_, index) => `item-${index}`);

for (const { version, total, kills } of [
  { version: "8", total: 10_000, kills: 50 },
  { version: "7.0", total: 2_500, kills: 10 },
] as const) {
  describe(`workers and Redis ${version} killed all the time`, () => {
    let redis: TestRedis;
    let workers: Workers;
    let admin: QueueAdmin;
    const scratch = mkdtempSync(join(tmpdir(), "job-wq-2-crash-"));
    const log = join(scratch, "runs");

    before(async () => {
      writeFileSync(log, "");
      redis = await startRedis({ version, args: ["--appendonly", "yes"] });
      admin = await QueueAdmin.open(redis.url, "job2");
      const options = { owner: "p/s", run: "1", seedId: "1" };
      await new Seeder({ url: redis.url, queue: "job2" }).seed(text(total), options);
      workers = new Workers(redis.url, log);
    });
    after(async () => {
      workers.stop();
      await admin.close();
      await redis.stop();
      rmSync(scratch, { recursive: true, force: true });
    });

    it(`loses none of ${total} items and records each exactly once`, async () => {
      const counts = async (): Promise<Counts> => admin.counts().catch(() => sleep(20).then(counts));
      const harmed = await harm(workers, redis, async () => (await counts()).waiting, kills);
      await workers.finished();

      const { now, startedAt, endedAt, owner, retried, lost, ...rest } = await counts();
      const { dueSoon: _due, nextDueAt: _next, workersAlive: _alive, suspects: _suspects, ...end } = rest;
      const recorded: ItemRecord[] = [];
      for await (const record of admin.results()) recorded.push(record);
      const items = recorded.map(({ payload }) => payload.toString());
      assert.equal(new Set(recorded.map(({ id }) => id)).size, total, "an id was recorded twice");
      assert.deepEqual([...items].sort(), text(total).sort(), "each item is recorded exactly once");
      const dead = recorded.filter(({ outcome }) => outcome === "dead");
      assert.deepEqual(end, {
        state: "finished",
        total,
        waiting: 0,
        running: 0,
        delayed: 0,
        done: total - dead.length,
        dead: dead.length,
        external: 0,
      });

      // The kills did harm: by the log, the killed workers were in the middle of items, and never ended them.
      const all = runs(log);
      const inHand = workers.broken().length;
      assert.ok(inHand >= kills, `only ${inHand} of ${workers.killed.size} kills hit a worker with an item in flight`);
      assert.ok(harmed.terminated > 0 && harmed.stopped > 0, "nobody was terminated or stopped");
      assert.equal(harmed.redisKilled, 2);
      assert.ok(lost >= inHand / 2, `${lost} leases were lost by ${inHand} kills`);
      assert.deepEqual(workers.codes.filter((code) => code === 0).length, SLOTS.length);

      // Each done item has run to its end. The dead were lost twice, the second time alone.
      const ended = new Set(all.filter(({ ended }) => ended).map(({ item }) => item));
      const done = recorded.filter(({ outcome }) => outcome === "done");
      assert.deepEqual(
        done.filter(({ payload }) => !ended.has(payload.toString())),
        [],
        "recorded as done, and never ran to its end",
      );
      for (const { attempts } of dead) assert.ok(attempts.filter(({ outcome }) => outcome === "lost").length >= 2);
      assert.ok(dead.length < inHand / 2, `${dead.length} items are dead`);

      const times = new Map<string, number>();
      for (const { item } of all) times.set(item, (times.get(item) ?? 0) + 1);
      // Rarely, a worker is killed twice after it reserved an item and before it began it. Then the item is dead.
      const never = dead.filter(({ payload }) => !times.has(payload.toString()));
      assert.equal(times.size + never.length, total, "an item never ran and is not dead");
      const twice = [...times.values()].filter((count) => count > 1).length;
      console.log(
        `      ${total} items, ${workers.killed.size} SIGKILLs (${inHand} with an item in flight), ${harmed.terminated} SIGTERMs, ` +
          `${harmed.stopped} SIGSTOPs, Redis killed ${harmed.redisKilled} times; lost 0, recorded twice 0, dead ${dead.length}, ` +
          `ran more than once ${twice}, took ${((endedAt - startedAt) / 1000).toFixed(0)} s`,
      );
    });
  });
}
