// Runs first: it waits for minutes, and computes for seconds.
// The supervisor as a container runs it: a real process, a real Redis, a real server that gets the notifications.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { pollUntil } from "../../../kube/poll.ts";
import { Consumer, DoNotRetry, type Handler } from "../../../queue/index.ts";
import { keys } from "../../../queue/redis/keys.ts";
import { quick } from "../../support/consuming.ts";
import { Peer } from "../../support/peer.ts";
import { SeederFixture } from "../../support/seederFixture.ts";
import { gateProxy } from "../../support/gateProxy.ts";
import { programEnvironment } from "../../support/programEnvironment.ts";

const program = join(import.meta.dirname, "../../../supervisor/main.ts");

interface Told {
  text: string;
  batch: string;
  event: string;
  counts: Record<string, number>;
}

/** A server on loopback that keeps the notifications it gets. */
class Listener {
  readonly told: Told[] = [];
  /** Status codes to answer with before it accepts anything. */
  refusals: number[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const status = this.refusals.shift();
        if (status === undefined) this.told.push(JSON.parse(body) as Told);
        response.writeHead(status ?? 200).end();
      });
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook/s3cret`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe("the supervisor", () => {
  const fixture = SeederFixture.register();
  let listener: Listener;
  let hook: string;
  beforeEach(async () => {
    listener = new Listener();
    hook = await listener.listen();
  });
  afterEach(() => listener.close());

  const supervise = (env: Record<string, unknown> = {}) =>
    execa(process.execPath, [program], {
      env: programEnvironment({
        WQ_REDIS_URL: fixture.server.url,
        queue: "job2",
        activeDeadline: "1h",
        WQ_POD: "pod",
        ...env,
      }),
      reject: false,
      all: true,
    });
  const work = (handler: Handler) => new Consumer({ ...quick(fixture.server.url), handler }).run();
  const finish = (...command: string[]) => ({ finish: command });

  it("sees the batch through, and tells its URL once, in words and in numbers", async () => {
    await fixture.seed(["a", "b", "c"]);
    const supervisor = supervise({ WQ_NOTIFY: hook, name: "fruit" });
    // One item in flight until the supervisor has looked twice.
    await work(async (item) => {
      while (item === "a" && (await fixture.admin.supervision.idleShare()) === undefined) await sleep(100);
    });
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
    assert.match(all, /(^|\n)all 3 items done$/);
    assert.doesNotMatch(all, /s3cret/);
    const [told, ...more] = listener.told;
    assert.deepEqual(more, []);
    assert.equal(told!.text, ":white_check_mark: *fruit*: all 3 items done");
    const idle = await fixture.admin.supervision.idleShare();
    assert.ok(idle! >= 0 && idle! <= 1, String(idle));
    assert.deepEqual([told!.batch, told!.event], ["fruit", "finished"]);
    const counts = { total: 3, done: 3, failed: 0, waiting: 0, running: 0, delayed: 0 };
    assert.deepEqual(told!.counts, counts);

    // A supervisor that starts afterwards, as after an eviction, gives the same verdict and notifies nobody.
    assert.equal((await supervise({ WQ_NOTIFY: hook })).exitCode, 0);
    assert.equal(listener.told.length, 1);
  });

  it("sends items as text that mentions nobody and links nowhere, and follows no redirect", async () => {
    await fixture.seed([
      "<!channel> <https://evil.example|click> @all [click](https://evil.example) www.evil.example &",
    ]);
    await work(() => {
      throw new DoNotRetry("no");
    });
    let led = 0;
    const elsewhere = createServer((_, response) => {
      led++;
      response.writeHead(307, { location: hook }).end();
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const moved = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    const { all } = await supervise({ WQ_NOTIFY: moved });
    elsewhere.close();
    assert.match(all, /^Warning: notification failed, `notify`: it answered 307$/m);
    assert.deepEqual([led, listener.told.length], [4, 0], "it was tried again, at the address that was given");
    await supervise({ WQ_NOTIFY: hook, name: "b" });
    const { text } = listener.told[0]!;
    assert.doesNotMatch(text, /[<>]|@all|:\/\/|\]\(|www\./);
    assert.match(
      text,
      /^:x: \*b\*: 1 of 1 item failed: &lt;!channel&gt; &lt;https:\u200b\/\/evil.example\|click&gt; @\u200ball /,
    );
  });

  it("takes no accident of its own for a verdict", async () => {
    await fixture.seed(["a"]);
    const accident = "setTimeout(() => { throw new Error('oops') }, 500)";
    const { exitCode, all } = await supervise({ NODE_OPTIONS: `--import="data:text/javascript,${accident}"` });
    assert.equal(exitCode, 70);
    assert.match(all, /^The supervisor came to an unexpected end: oops$/m);
  });

  it("goes without metrics if another process has their port", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    const taken = createServer().on("error", () => {}); // if another test has the port, that is as good
    taken.listen(9464);
    const { exitCode, all } = await supervise({ metrics: "true" });
    taken.close();
    assert.equal(exitCode, 0, all);
    assert.match(all, /^Warning: no metrics: listen EADDRINUSE.*9464$/m);
  });

  it("exits with 90 and the reason as its last line if items failed, and tells that too", async () => {
    await fixture.seed(["a", "b"]);
    await work((item) => {
      if (item === "a") throw new DoNotRetry("no");
    });
    const { exitCode, all } = await supervise({ WQ_NOTIFY: hook, name: "fruit" });
    assert.equal(exitCode, 90);
    const verdict = "1 of 2 items failed: a (why: npx --no wq failed; again: npx --no wq retry)";
    assert.equal(all.split("\n").at(-1), verdict);
    assert.deepEqual(
      listener.told.map(({ text }) => text),
      [`:x: *fruit*: ${verdict}`],
    );
  });

  it("tries again if the URL fails, and warns if it stays away", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    listener.refusals = [500, 503];
    assert.equal((await supervise({ WQ_NOTIFY: hook })).exitCode, 0);
    assert.equal(listener.told.length, 1);

    assert.equal(await fixture.redis.hdel(keys("job2").batch, "notified"), 1);
    listener.close();
    const { exitCode, all } = await supervise({ WQ_NOTIFY: hook });
    assert.equal(exitCode, 0);
    assert.match(
      all,
      /(^|\n)Warning: notification failed, `notify`: it cannot be reached \(ECONNREFUSED\)\nthe 1 item done$/,
    );
    assert.doesNotMatch(all, /s3cret/);
  });

  it("tells of a stall, once, and of the end after it", async () => {
    await fixture.seed(["a", "b"]);
    const supervisor = supervise({ WQ_NOTIFY: hook, stallAfter: "2s" });
    await pollUntil(() => listener.told.length > 0, { timeoutMs: 30_000, intervalMs: 100 });
    // A second notification of the same stall would have come by now.
    await sleep(2_500);
    await work(() => {});
    assert.equal((await supervisor).exitCode, 0);
    assert.deepEqual(
      listener.told.map(({ event }) => event),
      ["stalled", "finished"],
    );
    assert.match(listener.told[0]!.text, /no item was done or failed for 2 s: 0 of 2 are over, 0 running$/);
  });

  it("gives `finish` every result in order, once, and prints what it wrote", async () => {
    await fixture.seed(["c", "a", "b"]);
    await work((item) => item.toUpperCase());
    const script = `process.stdin.toArray().then((chunks) => {
      const rows = Buffer.concat(chunks).toString().trim().split("\\n").map((line) => JSON.parse(line));
      console.log(rows.map(({ item, result, outcome }) => item + "=" + result + ":" + outcome).join(" "), Object.keys(process.env).filter((name) => /^(WQ|REDIS)_/.test(name)).join());
    })`;
    const { exitCode, all } = await supervise(finish("node", "-e", script));
    assert.equal(exitCode, 0, all);
    assert.match(all, /(^|\n)verdict: \{.*"finish":"c=C:done a=A:done b=B:done"\}\nall 3 items done$/);
    assert.equal(await fixture.admin.supervision.finishOutput(), "c=C:done a=A:done b=B:done");
  });

  it("runs another `finish` on the same results, and the same one once", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    const path = join(fixture.server.dir, "count");
    const count = (finishDigest: string) =>
      supervise({ ...finish("sh", "-c", `echo >> ${path}; wc -l < ${path}`), finishDigest });
    for (const [digest, output] of [
      ["old", "1"],
      ["old", "1"],
      ["mended", "2"],
      ["mended", "2"],
    ] as const)
      assert.match((await count(digest)).all, new RegExp(`^verdict: .*"finish":"${output}"`, "m"));
  });

  it("does not run `finish` on failures, unless they are allowed", async () => {
    await fixture.seed(["a", "b"]);
    await work((item) => {
      if (item === "a") throw new DoNotRetry("no");
    });
    const count = finish("sh", "-c", "wc -l");
    assert.doesNotMatch((await supervise(count)).all, /finish/);
    assert.match((await supervise({ ...count, allowFailures: "true" })).all, /^verdict: \{.*"finish":"2"\}$/m);
  });

  it("fails with the last line of a `finish` that fails, also one that does not read", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    const { exitCode, all } = await supervise(finish("sh", "-c", "echo merging; echo 'no space left' >&2; exit 3"));
    assert.equal(exitCode, 90);
    assert.equal(
      all.split("\n").at(-1),
      "the 1 item done, but finish failed: sh exited with code 3: no space left (again: pulumi up)",
    );
    const { all: missing } = await supervise(finish("no-such-program"));
    assert.match(missing, /the 1 item done, but finish failed: .*no-such-program/);
  });

  it("says at the beginning that `finish` cannot run, and not after hours of work", async () => {
    await fixture.seed(["a"]);
    const early = await supervise(finish("no-such-program"));
    assert.equal(early.exitCode, 90);
    assert.match(
      early.all.split("\n").at(-1)!,
      /^`finish` cannot run: the command no-such-program is not in the image: .*\. The workers go on: mend it, and run `pulumi up`$/,
    );
    assert.equal((await fixture.admin.counts()).state, "open");
    // The file may come with the items, on a volume.
    const supervisor = supervise(finish("/no/such/merge"));
    await work(() => {});
    assert.match((await supervisor).all, /the 1 item done, but finish failed: the command \/no\/such\/merge is not in/);
  });

  it("runs `finish` once, even if Redis is away when it ends", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    const path = join(fixture.server.dir, "runs");
    const script = `echo run >> ${path}; cat >/dev/null; touch ${path}.read; until [ -e ${path}.go ]; do sleep 0.1; done`;
    const supervisor = supervise(finish("sh", "-c", `${script}; echo merged; touch ${path}.ended`));
    const appears = (name: string) => pollUntil(() => existsSync(name), { timeoutMs: 30_000, intervalMs: 50 });
    await appears(`${path}.read`);
    await fixture.server.kill();
    writeFileSync(`${path}.go`, "");
    await appears(`${path}.ended`);
    await sleep(1_500); // its output cannot be kept for now
    await fixture.server.restart();
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
    assert.match(all, /^verdict: .*"finish":"merged"\}\nthe 1 item done$/m);
    assert.equal(readFileSync(path, "utf8"), "run\n");
  });

  it("goes on where Redis was away", async () => {
    await fixture.seed(["a"]);
    const supervisor = supervise();
    let said = "";
    supervisor.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    while ((await fixture.redis.hget("{job2}:batch", "supervisor")) === null) await sleep(50);
    await fixture.server.kill();
    while (!/Redis is away|No connection to Redis/.test(said)) await sleep(50);
    await fixture.server.restart();
    await work(() => {});
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
  });

  it("says how far the batch came when the workers' time is up", async () => {
    await fixture.seed(["a", "b"]);
    const since = new Date(Date.now() - 59_000).toISOString();
    const { exitCode, all } = await supervise({ activeDeadline: "1m", workersSince: since, WQ_NOTIFY: hook });
    assert.equal(exitCode, 90);
    assert.match(all, /the workers reached activeDeadline \(1m\) with 0 of 2 items done: `pulumi up` goes on/);
    assert.equal(listener.told[0]!.event, "overdue");
  });

  it("does not pass a batch whose list Redis lost, unless that is allowed", async () => {
    await fixture.seed(["a", "b", "c"]);
    await work(async (item) => void (item === "a" && (await fixture.redis.del("job2"))));
    const { exitCode, all } = await supervise();
    assert.equal(exitCode, 90);
    assert.match(all, /1 of 3 items done; 2 items missing: another program took them, or Redis lost them \(.*\)$/);
    assert.equal((await supervise({ allowFailures: "true" })).exitCode, 0);
  });

  it("ends with a bad verdict if Redis lost the whole batch", async () => {
    await fixture.seed(["a", "b"]);
    const supervisor = supervise({ WQ_NOTIFY: hook });
    await once(supervisor.stdout, "data"); // its first look
    await fixture.redis.flushall();
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 90);
    assert.match(
      all,
      /Redis lost the batch, or somebody purged it, with 0 of 2 items done: another `run` runs all items again$/,
    );
    assert.equal(listener.told[0]!.event, "lost");
  });

  it("ends with a bad verdict if Redis lost it before this supervisor started", async () => {
    const { exitCode, all } = await supervise({ isSeeded: true });
    assert.equal(exitCode, 90);
    assert.match(all, /^Redis lost the batch, or somebody purged it: another `run` runs all items again$/m);
  });

  it("ends with a bad verdict even if it lost a list that was filled by hand", async () => {
    await fixture.redis.rpush("job2", "a", "b");
    await new Peer(fixture.redis).reserve();
    const supervisor = supervise();
    await once(supervisor.stdout, "data"); // its first look
    await fixture.redis.flushall();
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 90);
    assert.match(all, /^Redis lost the batch, or somebody purged it, with 0 of 2 items done/m);
  });

  it("waits for nobody to take what is pushed when the workers have left", async () => {
    await fixture.seed(["a"]);
    const supervisor = supervise();
    await once(supervisor.stdout, "data"); // its first look
    supervisor.kill("SIGSTOP");
    await work(() => {});
    await fixture.redis.rpush("job2", "late");
    supervisor.kill("SIGCONT");
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
    assert.match(all, /the 1 item done; 1 item pushed after the end, not run \(to run: npx --no wq resume\)$/);
  });

  it("does not wait for workers either if it started after that", async () => {
    const workersSince = new Date(Date.now() - 1_000).toISOString();
    await fixture.seed(["a"]);
    await work(() => {});
    await fixture.redis.rpush("job2", "late");
    const { exitCode, all } = await supervise({ workersSince });
    assert.equal(exitCode, 0, all);
    assert.match(all, /the 1 item done; 1 item pushed after the end, not run \(to run: npx --no wq resume\)$/);
  });

  it("judges the batch even if the clock of Redis went back since its end", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    await fixture.redis.hincrby("{job2}:batch", "endedAt", 3_600_000);
    const { exitCode, all } = await supervise({ activeDeadline: "1m" });
    assert.equal(exitCode, 0, all);
    assert.match(all, /the 1 item done$/);
  });

  it("judges the batch although its connection goes silent", async () => {
    await fixture.seed(["a"]);
    const proxy = await gateProxy(fixture.server.port);
    const supervisor = supervise({ WQ_REDIS_URL: proxy.url });
    await once(supervisor.stdout, "data"); // its first look
    proxy.freeze(1, 2);
    await work(() => {});
    const { exitCode, all } = await supervisor; // in 40 s (queue/redis/connect.ts)
    assert.equal(exitCode, 0, all);
    assert.match(all, /the 1 item done$/);
    await proxy.end();
  });

  it("leaves the batch to another supervisor, and judges it if that one goes, too", async () => {
    await fixture.seed(["a"]);
    const first = supervise({ WQ_POD: "first", WQ_NOTIFY: hook });
    const holder = (id: string) =>
      pollUntil(async () => (await fixture.redis.hget("{job2}:batch", "supervisor")) === id, {
        timeoutMs: 30_000,
        intervalMs: 50,
      });
    await holder("first");
    const second = supervise({ WQ_POD: "second", WQ_NOTIFY: hook });
    await holder("second");
    let isOver = false;
    void first.then(() => (isOver = true));
    await sleep(2_000);
    assert.equal(isOver, false, "its end would be taken for a good one of the batch");
    await work(() => {});
    assert.match((await second).all, /the 1 item done$/);
    const { exitCode, all } = await first;
    assert.equal(exitCode, 0, all);
    assert.match(all, /^Another supervisor has taken over$[^]*^verdict: [^]*the 1 item done$/m);
    assert.equal(listener.told.length, 1);
  });

  it("gives no verdict before the end is on Redis's disk", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    await fixture.redis.config("SET", "appendonly", "yes");
    await fixture.redis.config("SET", "appendfsync", "no"); // then nothing is confirmed to be on disk
    const supervisor = supervise();
    let said = "";
    supervisor.all.on("data", (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes("The verdict waits")) await sleep(50);
    assert.doesNotMatch(said, /^verdict: /m);
    await fixture.redis.config("SET", "appendfsync", "always");
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
    assert.match(all, /the 1 item done$/);
  });

  it("gives workers their whole time if they were suspended at first", async () => {
    await fixture.seed(["a"]);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    let isWorking = false;
    let goOn = () => {};
    const worker = work(() => new Promise<void>((resolve) => ([isWorking, goOn] = [true, resolve])));
    while (!isWorking) await sleep(20);
    const supervisor = supervise({ activeDeadline: "1m", workersSince: since });
    await once(supervisor.stdout, "data");
    goOn();
    await worker;
    const { exitCode, all } = await supervisor;
    assert.equal(exitCode, 0, all);
  });

  it("ends what `finish` leaves behind, and does not wait for it", async () => {
    await fixture.seed(["a"]);
    await work(() => {});
    const { exitCode, all } = await supervise(finish("sh", "-c", "sleep 987.5 & echo merged"));
    assert.equal(exitCode, 0, all);
    assert.match(all, /^verdict: \{.*"finish":"merged"\}$/m);
  });
});
