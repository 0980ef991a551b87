// The life of runners: their start, several items in one, and when items are begun.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "../../../../queue/index.ts";
import { commandHandler } from "../../../../worker/command/command.ts";
import { quick } from "../../../support/consuming.ts";
import { deeds, startRunners } from "../../../support/runnerWorker.ts";
import { withQueue } from "../../../support/withQueue.ts";

const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };

describe("runners", () => {
  const queue = withQueue();
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-runners-"));
  after(() => rmSync(dir, { recursive: true }));
  const serve = (script: string) => ["sh", "-c", script];
  const push = (...items: string[]) => queue.redis.rpush(queue.k.list, ...items);

  describe("at their start", () => {
    const refusals: [title: string, script: string, reason: string][] = [
      [
        "that never says it is ready",
        "echo still loading >&2; sleep 300",
        "sh was not ready after 0.5 s (`startTimeout`): still loading",
      ],
      ["that ends", "echo no model >&2; exit 3", "sh exited with code 3: no model"],
      [
        "that answers on standard output",
        `echo '{"ready": true}'; sleep 300`,
        'sh writes its answers to its log, and not to descriptor 3: {"ready": true}',
      ],
      [
        "that says why, where it wrote what it may not",
        `echo '{"ready":false,"error":"EROFS: read-only file system, open '"'/work/log'"'"}' >&3; sleep 300`,
        "EROFS: read-only file system, open '/work/log' (only /tmp and the volumes of `claims` can be written)",
      ],
      ["that says why", `echo '{"ready":false,"error":"no licence"}' >&3; sleep 300`, "no licence"],
      ["that crashes each time", "echo boom >&2; kill -SEGV $$", "sh was ended by SIGSEGV: boom"],
    ];
    for (const [title, script, reason] of refusals) {
      it(`refuse a program ${title}, with its last line, and lease nothing`, async () => {
        await push("apple");
        await assert.rejects(startRunners(queue.url, serve(script), { startTimeoutMs: 500 }), { message: reason });
        assert.equal((await queue.places()).waiting, 1);
      });
    }

    it("get no item before they are ready, neither at first nor after a crash", async () => {
      const go = join(dir, "go");
      const script = `until [ -e ${go} ]; do sleep 0.02; done; rm ${go}; echo '{"ready":true}' >&3; read -r line; kill -KILL $$`;
      await push("apple", "banana");
      const starting = startRunners(queue.url, serve(script), { retry: once });
      await sleep(300);
      assert.equal((await queue.places()).waiting, 2);
      writeFileSync(go, "");
      const worker = await starting;
      await queue.until(async () => (await queue.places()).dead === 1);
      await sleep(300);
      const { waiting, running } = await queue.places();
      assert.deepEqual({ waiting, running }, { waiting: 1, running: 0 });
      writeFileSync(go, "");
      assert.equal(await worker.ended, "finished");
    });
  });

  it("take 200 items of 1 ms at least 30 times as fast as a process per item, if the start takes 1 s", async () => {
    const file = join(dir, "slow.py");
    writeFileSync(
      file,
      "import sys, time\ntime.sleep(1)\ndef handle(item, context=None):\n    time.sleep(0.001)\n    return item\nif __name__ == '__main__': handle(sys.argv[1])\n",
    );
    /** Items per second, including the time before the first item. */
    const rate = async (count: number, work: () => Promise<unknown>) => {
      await push(...Array.from({ length: count }, (_, n) => `item ${n}`));
      const startedAt = performance.now();
      await work();
      assert.equal((await queue.places()).done, count);
      return (count * 1_000) / (performance.now() - startedAt);
    };
    const handler = commandHandler(["python3", file, "{}"], 1_000);
    const processes = await rate(6, () => new Consumer({ ...quick(queue.url), concurrency: 2, handler }).run());
    await queue.redis.flushall();
    const runners = await rate(200, async () => (await startRunners(queue.url, file, { concurrency: 2 })).ended);
    assert.ok(runners > 30 * processes, `${runners} and ${processes} items per second`);
  });

  it("put an item off at no cost, if the program says so", async () => {
    const answer = `id=\${line#*:}; id=\${id%%,*}; n=$((n + 1)); [ $n = 2 ] && end='"result":"at last"' || end='"later":50'; echo "{\\"id\\":$id,$end}" >&3`;
    await push("apple");
    const program = serve(`n=0; echo '{"ready":true}' >&3; while read -r line; do ${answer}; done`);
    const worker = await startRunners(queue.url, program, { retry: once });
    assert.equal(await worker.ended, "finished");
    const [{ value, attempts }] = (await queue.records()) as [Awaited<ReturnType<typeof queue.records>>[0]];
    assert.deepEqual([value, ...attempts.map(({ outcome }) => outcome)], ['"at last"', "released", "done"]);
  });

  it("run each item of a crashed runner alone next, if it had several: only the culprit fails", async () => {
    await push("sleep 300", "die SIGKILL", ...Array.from({ length: 30 }, (_, n) => `x ${n}`), "sleep 301");
    const worker = await startRunners(queue.url, deeds("ts"), { concurrency: 8, retry: once });
    assert.equal(await worker.ended, "finished");
    const dead = await queue.records("dead");
    assert.deepEqual(
      dead.map(({ payload }) => payload.toString()),
      ["die SIGKILL"],
    );
    assert.deepEqual(
      dead[0]!.attempts.map(({ outcome }) => outcome),
      ["lost", "failed"],
    );
    assert.equal((await queue.places()).done, 32);
  });

  it("get nothing between the end of a runner and the start of the next one", async () => {
    const gone = join(dir, "gone");
    const first = `(trap "" TERM; sleep 60) & touch ${gone}; exit 1`;
    const script = `echo '{"ready":true}' >&3; [ -e ${gone} ] || { read -r line; ${first}; }; while read -r line; do echo '{"id":2}' >&3; done`;
    await push("apple");
    const worker = await startRunners(queue.url, serve(script), { concurrency: 1, retry: once });
    await queue.until(() => Promise.resolve(existsSync(gone)));
    await sleep(300); // the shell has ended, and its children take their time
    await push("banana");
    assert.equal(await worker.ended, "finished");
    const rows = await queue.records();
    assert.deepEqual(
      rows.map(({ payload, outcome, attempts }) => [payload.toString(), outcome, attempts.length]),
      [
        ["apple", "dead", 1],
        ["banana", "done", 1],
      ],
    );
  });

  const ready = `echo '{"ready":true}' >&3`;
  for (const [title, first, reason] of [
    ["that closed its answers", `${ready}; read -r line; exec 3>&-`, "sh closed descriptor 3"],
    ["that closed its input", `exec </dev/null; ${ready}`, "sh no longer reads its standard input"],
  ] as const)
    it(`replace a program ${title}, without waiting for a time limit`, async () => {
      const mark = join(dir, title);
      const answer = `id=\${line#*:}; printf '{"id":%s}\\n' "\${id%%,*}" >&3`;
      const next = `${ready}; while read -r line; do ${answer}; done`;
      await push("apple", "banana");
      const program = serve(`if [ ! -e "${mark}" ]; then touch "${mark}"; ${first}; sleep 300; fi; ${next}`);
      const worker = await startRunners(queue.url, program, { retry: once });
      assert.equal(await worker.ended, "finished");
      const rows = await queue.records();
      assert.deepEqual(
        rows.map(({ reason, outcome }) => reason?.split("\n")[0] ?? outcome),
        [reason, "done"],
      );
    });

  it("find out by themselves which of several blocks the event loop, and give back the others at no cost", async () => {
    await push("block 60000", "deaf 700", "deaf 701");
    const worker = await startRunners(queue.url, deeds("ts"), { concurrency: 3, retry: once, itemTimeoutMs: 1_500 });
    assert.equal(await worker.ended, "finished");
    const dead = await queue.records("dead");
    assert.deepEqual(
      dead.map(({ payload, reason }) => [payload.toString(), reason]),
      [["block 60000", "timed out after 1.5 s"]],
    );
  });

  it("time out an item that does not listen, and cost its neighbours no attempt", async () => {
    await push("hang", ...Array.from({ length: 12 }, (_, n) => `sleep ${300 + n}`));
    const worker = await startRunners(queue.url, deeds("ts"), { concurrency: 3, retry: once, itemTimeoutMs: 1_000 });
    assert.equal(await worker.ended, "finished");
    const rows = await queue.records();
    for (const { payload, outcome, attempts } of rows) {
      if (payload.toString() === "hang") assert.equal(outcome, "dead");
      else {
        assert.equal(outcome, "done");
        assert.ok(attempts.every(({ outcome }) => outcome === "done" || outcome === "released"));
      }
    }
  });

  it("may put an item off for longer than any batch lasts", async () => {
    await push("apple");
    const worker = await startRunners(
      queue.url,
      serve(`echo '{"ready":true}' >&3; read -r line; echo '{"id":1,"later":1e300}' >&3; sleep 300`),
    );
    await queue.until(async () => (await queue.places()).delayed === 1);
    await worker.stop();
    assert.equal(await worker.ended, "stopped");
  });

  it("have the lease of an item renewed while it blocks them", async () => {
    await push("block 5000");
    const worker = await startRunners(queue.url, deeds("ts"), { leaseMs: 2_000 });
    assert.equal(await worker.ended, "finished");
    const { done, lost } = await queue.places();
    assert.deepEqual({ done, lost }, { done: 1, lost: 0 });
  });

  it("run each item once if several block their runner for longer than a lease", async () => {
    await push(...Array<string>(4).fill("block 3000"));
    const options = { leaseMs: 2_000, concurrency: 4, retry: once };
    const workers = [
      await startRunners(queue.url, deeds("ts"), options),
      await startRunners(queue.url, deeds("ts"), options),
    ];
    for (const { ended } of workers) assert.equal(await ended, "finished");
    assert.equal(workers.flatMap(({ events }) => events.filter(({ type }) => type === "working")).length, 4);
    const { done, dead, lost } = await queue.places();
    assert.deepEqual({ done, dead, lost }, { done: 4, dead: 0, lost: 0 });
  });

  describe("that stand still (SIGSTOP)", () => {
    /** A worker whose only runner stands still in the middle of an item, before another one. */
    const stopped = async () => {
      const note = join(dir, "still");
      rmSync(note, { force: true });
      await push(`note ${note}`, "sleep 60000", "apple");
      const worker = await startRunners(queue.url, deeds("ts"), { retry: once, itemTimeoutMs: 2_000 });
      const isAsleep = () =>
        worker.events.some((event) => event.type === "working" && String(event.payload) === "sleep 60000");
      await queue.until(isAsleep);
      process.kill(Number(readFileSync(note, "utf8")), "SIGSTOP");
      return worker;
    };

    it("cost one item its attempt, and are replaced", async () => {
      assert.equal(await (await stopped()).ended, "finished");
      const rows = (await queue.records()).map(({ payload, reason, outcome }) => [String(payload), reason ?? outcome]);
      assert.deepEqual(rows.slice(1), [
        ["sleep 60000", "timed out after 2 s"],
        ["apple", "done"],
      ]);
    });

    it("do not hold up the end of their worker, and cost nothing", async () => {
      const worker = await stopped();
      await worker.stop(0);
      assert.equal(await worker.ended, "stopped");
      const { delayed, waiting, dead, lost } = await queue.places();
      assert.deepEqual({ left: delayed + waiting, dead, lost }, { left: 2, dead: 0, lost: 0 });
    });
  });

  it("give back a blocked item at SIGTERM, at no cost", async () => {
    await push("block 60000");
    const worker = await startRunners(queue.url, deeds("ts"));
    await queue.until(async () => (await queue.places()).running === 1);
    await worker.stop(100);
    assert.equal(await worker.ended, "stopped");
    const { delayed, waiting, dead, lost } = await queue.places();
    assert.deepEqual({ left: delayed + waiting, dead, lost }, { left: 1, dead: 0, lost: 0 });
  });

  it("lose nothing of 10,000 items when a runner is killed every 200 ms", async () => {
    const note = join(dir, "pids");
    writeFileSync(note, "");
    await push(...Array.from({ length: 10_000 }, (_, n) => (n % 100 === 0 ? `note ${note}` : `x ${n}`)));
    const retry = { maxAttempts: 5, backoff: { min: 1, max: 10 } };
    const worker = await startRunners(queue.url, deeds("ts"), { concurrency: 4, retry });
    let kills = 0;
    const timer = setInterval(() => {
      const pid = Number(readFileSync(note, "utf8").trim().split("\n").at(-1));
      writeFileSync(note, "");
      if (!pid) return;
      try {
        process.kill(pid, "SIGKILL");
        kills++;
      } catch {
        // it ended already
      }
    }, 200);
    assert.equal(await worker.ended, "finished");
    clearInterval(timer);
    const { done, dead } = await queue.places();
    assert.equal(done + dead, 10_000);
    assert.ok(kills > 0);
    for (const { attempts } of await queue.records("dead"))
      assert.ok(
        attempts.some(({ error }) => /SIGKILL/.test(error ?? "")),
        JSON.stringify(attempts),
      );
  });
});
