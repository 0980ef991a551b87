// The three programs as a container runs them: real processes, a real Redis.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { connect, QueueAdmin } from "../../../queue/index.ts";
import { startRedis } from "../../support/redis.ts";
import { programEnvironment } from "../../support/programEnvironment.ts";

const root = join(import.meta.dirname, "..", "..", "..");
/** The line of `up` about a program that ended. */
const lastLine = (text: string) => text.split("\n").at(-1);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("the programs of the image", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-programs-"));
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let queue = 0;
  before(async () => void (redis = await startRedis()));
  after(async () => {
    await redis.stop();
    rmSync(dir, { recursive: true });
  });
  beforeEach(() => queue++);

  const start = (script: string, env: Record<string, unknown> = {}) =>
    execa(process.execPath, [join(root, script)], {
      env: programEnvironment({
        WQ_REDIS_URL: redis.url,
        queue: `q${queue}`,
        owner: "test/dev",
        activeDeadline: "1h",
        WQ_POD: "pod-1",
        ...env,
      }),
      reject: false,
      all: true,
    });
  const seed = async (items: string[], env: Record<string, unknown> = {}) => {
    const file = join(dir, "items.gz");
    writeFileSync(file, gzipSync(items.map((item) => JSON.stringify(item)).join("\n")));
    return start("seed/main.ts", { items: { file, format: "strings" }, WQ_JOB_UID: "uid-1", ...env });
  };
  const work = (env: Record<string, unknown> = {}) =>
    start("worker/main.ts", { backoff: "10ms..5m", activeDeadline: "1h", ...env });
  const command = (...words: string[]) => ({ command: words });
  const shell = (script: string) => command("sh", "-c", script);
  const results = async () => {
    const connection = await connect(redis.url);
    try {
      const rows = await all(new QueueAdmin(connection, `q${queue}`).results());
      return rows.map(({ payload, outcome, value, reason }) => ({ item: payload.toString(), outcome, value, reason }));
    } finally {
      connection.disconnect();
    }
  };

  it("go from a list to a verdict, with the page's lines", async () => {
    const seeded = await seed(["apple", "banana"]);
    // On a slow machine, the seeder also prints its progress.
    assert.match(
      lastLine(seeded.stdout) ?? "",
      /^Seeded in .* s: 2 items, 2 new, 0 removed, 0 failed ones to run again, 0 done already$/,
    );
    const worked = await work({ workSeconds: "0" });
    assert.equal(worked.exitCode, 0, worked.all);
    assert.match(
      worked.stdout,
      /^Worker with sessionID: \S+\nInitial queue state: empty=False\nWorking on apple\nWorking on banana\nQueue empty, exiting$/,
    );
    const verdict = await start("supervisor/main.ts");
    assert.deepEqual([verdict.exitCode, lastLine(verdict.all)], [0, "all 2 items done"]);
    const again = await seed(["apple", "banana"]);
    assert.match(
      lastLine(again.stdout) ?? "",
      / 2 done already: nothing is left to run; another `run` runs all items again$/,
    );
  });

  it("run a command once per item: standard input, ITEM, the result, the log", async () => {
    await seed(["a b", ""]);
    const worked = await work(shell('printf "%s|%s|%s" "$(cat)" "$ITEM" "$ITEM_ATTEMPT"; echo heard >&2'));
    assert.equal(worked.exitCode, 0, worked.all);
    assert.match(worked.stdout, /Working on a b\nheard\n/);
    assert.deepEqual(
      (await results()).map(({ value }) => value),
      ['"a b|a b|1"', '"||1"'],
    );
  });

  it("give a shell a line end after a text, since `while read` needs one", async () => {
    const file = join(dir, "lines.gz");
    writeFileSync(file, gzipSync(Buffer.from("a b\n\xff\n", "latin1")));
    await start("seed/main.ts", { items: { file, format: "text" }, WQ_JOB_UID: "uid-1" });
    await work(shell("n=0; while read -r line; do n=$((n + 1)); echo got $line; done; echo $n lines"));
    assert.deepEqual(
      (await results()).map(({ value }) => value),
      ['"got a b\\n1 lines"', '"0 lines"'],
    );
  });

  it("record standard output that is JSON as that JSON, and cut what is too long", async () => {
    await seed(["object", "text", "long"]);
    const script = `case $ITEM in object) echo '{"id": 12345678901234567890}';; text) echo 007;; long) printf '["%0200d"]' 0;; esac`;
    const worked = await work({ ...shell(script), maxResultBytes: "100" });
    assert.equal(worked.exitCode, 0, worked.all);
    const [object, text, long] = await results();
    assert.deepEqual([object!.value, text!.value], ['{"id":12345678901234567890}', '"007"']);
    assert.equal(long!.value!.length, 100);
    assert.equal(long!.value!.startsWith('"[\\"000'), true, long!.value);
  });

  it("give an item's bytes to a command as they stand in the file", async () => {
    const file = join(dir, "latin1.gz");
    const lines = Buffer.from("\xef\xbb\xbfcaf\xe9.txt\r\n\xff\xfe\n", "latin1");
    writeFileSync(file, gzipSync(lines));
    await start("seed/main.ts", { items: { file, format: "text" }, WQ_JOB_UID: "uid-1" });
    await work(shell("od -An -tx1 | tr -d ' \\n'; echo ' hex'"));
    assert.deepEqual(
      (await results()).map(({ value }) => value),
      ['"636166e92e747874 hex"', '"fffe hex"'],
    );
  });

  it("hide the queue's address and password from a command", async () => {
    await seed(["x"]);
    await work({ ...shell("env | grep -cE '^(REDIS|WQ)_' || true"), MINE: "1" });
    assert.equal((await results())[0]!.value, "0");
  });

  it("take exit code 65 for `do not try again`, and any other for a failure that is tried again", async () => {
    await seed(["never", "twice"]);
    const tries = join(dir, `tries-${queue}`);
    const script = `echo $ITEM >> ${tries}; [ $ITEM = never ] && exit 65; [ $ITEM_ATTEMPT = 2 ] || { echo "not yet" >&2; exit 3; }`;
    const worked = await work(shell(script));
    assert.equal(worked.exitCode, 0, worked.all);
    const rows = await results();
    assert.deepEqual(rows[0], { item: "never", outcome: "dead", value: undefined, reason: "sh exited with code 65" });
    assert.equal(rows[1]!.outcome, "done");
    assert.match(worked.all, /Failed on twice \(attempt 1\): sh exited with code 3: not yet; again in 0\.0 s/);
    const verdict = await start("supervisor/main.ts");
    assert.equal(verdict.exitCode, 90);
    assert.equal(verdict.all, "1 of 2 items failed: never (why: npx --no wq failed; again: npx --no wq retry)");
    const allowed = await start("supervisor/main.ts", { allowFailures: "true" });
    assert.equal(allowed.exitCode, 0);
  });

  const leave = join(root, "test/support/deeds/leave.sh");
  /** Number of processes that the command left behind. */
  const left = async (nap: string) => (await execa("pgrep", ["-fc", `^sleep ${nap}$`], { reject: false })).stdout;

  it("end processes that a command leaves behind, and those that ignore the time limit", async () => {
    await seed(["orphan", "deaf"]);
    const nap = `987.${process.pid}`;
    const script = `sh ${leave} ${nap}; [ $ITEM = orphan ] || { trap "" TERM; sleep ${nap}; }; true`;
    const worked = await work({ ...shell(script), itemTimeout: "1s", maxAttempts: "1" });
    assert.equal(worked.exitCode, 0, worked.all);
    const rows = await results();
    assert.equal(rows[0]!.outcome, "done");
    assert.deepEqual([rows[1]!.outcome, rows[1]!.reason], ["dead", "timed out after 1 s"]);
    assert.equal(await left(nap), "0");
  });

  it("begin no second attempt beside processes of the first one", async () => {
    await seed(["a"]);
    const nap = `986.${process.pid}`;
    const script = `[ $ITEM_ATTEMPT = 1 ] || { pgrep -fc '^sleep ${nap}$'; exit 0; }; sh ${leave} ${nap}; exit 1`;
    await work({ ...shell(script), maxAttempts: "2" });
    assert.equal((await results())[0]!.value, "0");
  });

  /** Notes its pid, and does not end when asked. The next one checks if that process still exists. */
  const alone = (note: string) => {
    const next = 'kill -0 $(cat "$0") 2>/dev/null && echo beside || echo alone; exit';
    const first = 'trap "" TERM; echo $$ > "$0.part"; mv "$0.part" "$0"; while :; do sleep 0.1; done';
    return command("sh", "-c", `if [ -e "$0" ]; then ${next}; fi; ${first}`, note);
  };

  it("begin no second attempt beside one that does not end at its time limit", async () => {
    await seed(["a"]);
    const note = join(dir, `limit-${queue}`);
    await work({ ...alone(note), concurrency: "2", itemTimeout: "1s", maxAttempts: "2" });
    assert.equal((await results())[0]!.value, '"alone"');
  });

  it("begin no second attempt beside one that was cancelled, if the item is retried at once", async () => {
    await seed(["a"]);
    const note = join(dir, `cancelled-${queue}`);
    const worked = work({ ...alone(note), concurrency: "2" });
    while (!existsSync(note)) await sleep(20);
    const connection = await connect(redis.url);
    const admin = new QueueAdmin(connection, `q${queue}`);
    assert.equal(await admin.cancel([1], "me"), 1);
    assert.equal(await admin.retry(), 1);
    connection.disconnect();
    await worked;
    assert.equal((await results())[0]!.value, '"alone"');
  });

  it("abort the batch with the reason when the command is not in the image", async () => {
    await seed(["a"]);
    const worked = await work(command("no-such-program"));
    assert.equal(worked.exitCode, 0, worked.all);
    assert.equal(lastLine(worked.all), "Nothing to do here, exiting"); // by this line, `up` recognizes our programs
    const verdict = await start("supervisor/main.ts");
    assert.equal(verdict.exitCode, 90);
    const reason =
      "the command no-such-program is not in the image: set `baseImage` to one that has it, name its full path, or set `entrypoint` if the image's ENTRYPOINT adds it to PATH";
    assert.equal(verdict.all, `the batch was aborted: ${reason}; 0 of 1 done (again: npx --no wq retry)`);
  });

  const push = async (...items: string[]) => {
    const connection = await connect(redis.url);
    await connection.rpush(`q${queue}`, ...items);
    connection.disconnect();
  };
  const byHand = () => start("seed/main.ts", {});

  it("put back what failed in a list that was filled by hand, and nothing else", async () => {
    const nothing = await byHand();
    assert.deepEqual([nothing.exitCode, nothing.all], [0, "Filled by hand: 0 failed ones to run again"]);
    await push("good", "bad");
    await work(shell("[ $ITEM = good ] || exit 65"));
    const again = await byHand();
    assert.deepEqual([again.exitCode, again.all], [0, "Filled by hand: 1 failed ones to run again"]);
    await work(shell("[ $ITEM = bad ] || exit 65"));
    const verdict = await start("supervisor/main.ts");
    assert.deepEqual([verdict.exitCode, lastLine(verdict.all)], [0, "all 2 items done"]);
  });

  for (const [title, fill, again] of [
    ["of the stack", () => seed(["a"]), () => seed(["a"], { WQ_JOB_UID: "uid-2" })],
    ["by hand", () => push("a"), byHand],
  ] as const) {
    it(`go on with an aborted batch, filled ${title}, once the seed Job ran again`, async () => {
      await fill();
      await work(command("no-such-program"));
      const aborted = await start("supervisor/main.ts");
      assert.match(
        aborted.all,
        /^the batch was aborted: the command no-such-program is not in the image.*; 0 of 1 done/,
      );
      await again();
      await work(shell("true"));
      assert.equal(lastLine((await start("supervisor/main.ts")).all), "the 1 item done");
    });
  }

  it("give back what is in flight at SIGTERM, at no cost, and exit with 143", async () => {
    await seed(["slow"]);
    const worked = work({ ...shell("sleep 60"), gracePeriod: "100ms" });
    worked.stdout.on("data", (chunk: Buffer) => chunk.includes("Working on slow") && worked.kill("SIGTERM"));
    const { exitCode, all } = await worked;
    assert.equal(exitCode, 143, all);
    const next = await work(shell("echo $ITEM_ATTEMPT"));
    assert.equal(next.exitCode, 0, next.all);
    assert.deepEqual(await results(), [{ item: "slow", outcome: "done", value: "1", reason: undefined }]);
  });

  it("ask a command to end before they kill it, at SIGTERM too", async () => {
    await seed(["slow"]);
    const note = join(dir, `note-${queue}`);
    const script = `trap 'sleep 0.3; echo tidy > ${note}; exit 1' TERM; echo ready >&2; while :; do sleep 0.05; done`;
    const worked = work({ ...shell(script), gracePeriod: "0s" });
    worked.stdout.on("data", (chunk: Buffer) => chunk.includes("ready") && worked.kill("SIGTERM"));
    const { exitCode, all } = await worked;
    assert.equal(exitCode, 143, all);
    assert.equal(readFileSync(note, "utf8"), "tidy\n");
  });

  const refusals: [title: string, script: string, settings: string | undefined, line: RegExp][] = [
    ["no settings", "worker/main.ts", undefined, /^Expected WQ_SETTINGS to be set, got nothing\.$/],
    ["no settings", "seed/main.ts", undefined, /^Expected WQ_SETTINGS to be set, got nothing\.$/],
    [
      "settings that are no JSON",
      "supervisor/main.ts",
      "lease=5s",
      /^Expected WQ_SETTINGS to be JSON, got "lease=5s"\.$/,
    ],
    [
      "settings of another version",
      "worker/main.ts",
      '{"version":2}',
      /^Expected WQ_SETTINGS to be of version 1, got 2: the image is of another version of job-wq-2 than the Batch; build it anew\.$/,
    ],
  ];
  for (const [title, script, settings, line] of refusals) {
    it(`refuse ${title} in one line: ${script}`, async () => {
      const env = { WQ_REDIS_URL: redis.url, ...(settings !== undefined && { WQ_SETTINGS: settings }) };
      const { exitCode, all } = await execa(process.execPath, [join(root, script)], { env, reject: false, all: true });
      assert.equal(exitCode, 64, all);
      assert.match(all, line);
    });
  }

  it("refuse items that cannot be read, in one line, and never show the address of Redis", async () => {
    const missing = await start("seed/main.ts", {
      items: { file: join(dir, "none"), format: "text" },
      WQ_JOB_UID: "1",
    });
    assert.equal(missing.exitCode, 64, missing.all);
    assert.match(missing.all, /^The items in [^\n]* cannot be read: ENOENT[^\n]*$/);
    const { exitCode, all } = await start("supervisor/main.ts", { WQ_REDIS_URL: "redis://:se/cret@:x" });
    assert.equal(exitCode, 64, all);
    assert.match(all, /^Expected WQ_REDIS_URL to be a URL like redis:\/\/redis:6379[^\n]*$/);
    assert.doesNotMatch(all, /cret/);
  });

  it("refuse another stack's queue, naming its owner", async () => {
    await seed(["a"]);
    const other = await seed(["b"], { owner: "other/stack" });
    assert.equal(other.exitCode, 69);
    assert.match(other.all, /belongs to test\/dev, and this is other\/stack: set another `queue`/);
  });
});

describe("a Redis with another password", () => {
  it("is said in one line, in seconds, with exit code 69", async () => {
    const redis = await startRedis();
    try {
      const connection = await connect(redis.url);
      await connection.config("SET", "requirepass", "right");
      connection.disconnect();
      for (const script of ["seed/main.ts", "worker/main.ts", "supervisor/main.ts"]) {
        const { exitCode, all } = await execa(process.execPath, [join(root, script)], {
          env: programEnvironment({
            WQ_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
            WQ_REDIS_PASSWORD: "wrong",
            queue: "q",
            activeDeadline: "1h",
            WQ_JOB_UID: "1",
            items: { range: "1..2" },
          }),
          reject: false,
          all: true,
        });
        assert.equal(exitCode, 69, `${script}: ${all}`);
        assert.match(all, /^[^\n]*(WRONGPASS|password)[^\n]*$/, script);
      }
    } finally {
      await redis.stop();
    }
  });
});
