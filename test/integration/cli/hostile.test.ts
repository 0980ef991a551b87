// Items, reasons, logs and names with escape sequences for terminals: no verb prints them as they are, and no program
// whose output `kubectl logs` and `pulumi up` show.
import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";
import { oneLine } from "../../../config/foreignText.ts";
import { verbs } from "../../../cli/verbs.ts";
import { connect, QueueAdmin, Seeder } from "../../../queue/index.ts";
import { wq, wqScript } from "../../support/fruits.ts";
import { inTerminal } from "../../support/screen.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";
import { programEnvironment } from "../../support/programEnvironment.ts";

const root = join(import.meta.dirname, "../../..");
const HOSTILE =
  "a\u001b]0;owned\u0007\u001b[2J\u009b5m\rb\u202ec\u200bd\u00ade\u2066f\ufeffg\u{e0041}h\u3164%}><{%x%}>";
/** All control characters but line ends, which separate a program's lines; and Pulumi's marks for colours. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u3164]|<\{%|%\}>/u;
/** The arguments of each verb. Verbs that need a cluster say that there is none. */
const lines: Record<string, string[][]> = {
  status: [[], ["--json"]],
  results: [[], ["--all"]],
  failed: [[], ["--json"]],
  logs: [["--id", "1"], ["--id", "1", "--json"], [HOSTILE], ["nothing\u001b[2J"], ["-f", "--id", "1"]],
  report: [["--output", "/dev/null/none"]],
  pause: [[]],
  resume: [[]],
  scale: [["2\u001b"]],
  list: [[], ["--json"]],
  try: [
    [HOSTILE, "--", "sh", "-c", 'printf %s "$ITEM" >&2; exit 65'],
    [HOSTILE, "--", "sh", "-c", "cat"],
  ],
  retry: [["--match", "nothing\u001b[2J"]],
  purge: [["nothing\u001b[2J"], ["job2"]],
  cancel: [["nothing\u001b[2J"], ["--match", "nothing\u001b[2J"]],
  run: [
    ["--dry-run", "--", "echo", "{}", ":::", HOSTILE],
    ["--", "sh", "-c", "echo {} \u001b[2J", ":::", "a"],
  ],
  ui: [["--port", "1\u001b[2J"]],
  completion: [],
};

describe("a text that would control a terminal", () => {
  let redis: TestRedis;
  const start = (program: string, env: Record<string, unknown>) =>
    execa(process.execPath, [join(root, program)], {
      env: programEnvironment({
        WQ_REDIS_URL: redis.url,
        queue: "job2",
        WQ_POD: HOSTILE,
        activeDeadline: "1h",
        ...env,
      }),
      reject: false,
      all: true,
    });
  const isHarmless = (text: string) => assert.doesNotMatch(text, UNSEEN, JSON.stringify(text));

  before(async () => {
    redis = await startRedis();
    const owner = `you/${HOSTILE}`;
    for (const queue of ["job2", "aborted"])
      await new Seeder({ url: redis.url, queue }).seed([HOSTILE], { owner, run: "1", seedId: "1" });
    const connection = await connect(redis.url);
    await connection.rpush(`q${HOSTILE}`, "x");
    await connection.sadd("wq:queues", `q${HOSTILE}`);
    await new QueueAdmin(connection, "aborted").abort(HOSTILE);
    connection.disconnect();
  });
  after(() => redis.stop());

  it("is printed as escapes by the worker and by the verdict", async () => {
    const command = ["sh", "-c", 'printf "%s\\n" "$ITEM" "$ITEM" >&2; exit 65'];
    for (const format of ["text", "json"]) {
      const worked = await start("worker/main.ts", { command, logFormat: format });
      isHarmless(worked.all);
      if (format === "text") assert.match(worked.all, /^Failed on a\\u001b\]0;owned\\u0007\\u001b\[2J/m);
    }
    const judged = await start("supervisor/main.ts", { name: "b" });
    assert.match(judged.all, /^1 of 1 item failed: a\\u001b\]0;owned\\u0007/m);
    isHarmless(judged.all);
    const aborted = await start("supervisor/main.ts", { queue: "aborted" });
    assert.match(aborted.all, /^the batch was aborted: a\\u001b/m);
    isHarmless(aborted.all);
  });

  it("is nothing in a worker's report but a text or a number", async () => {
    const connection = await connect(redis.url);
    const reports = ['{"pod":"p","node":{},"done":"\\u001b[2J","failed":[1],"slots":1e999}', "no JSON", "null"];
    for (const [session, report] of reports.entries()) {
      await connection.hset("{aborted}:workers", `forged-${session}`, `${Date.now()} ${report}`);
      await connection.zadd("{aborted}:alive", Date.now() + 60_000, `forged-${session}`);
    }
    await connection.zadd("{aborted}:leases", Date.now() + 60_000, "no lease");
    const admin = new QueueAdmin(connection, "aborted");
    const workers = await admin.workers();
    assert.deepEqual(
      workers.map(({ pod, node, done, failed, slots }) => [pod, node, done, failed, slots]),
      [["p", "", 0, 0, 0], ...Array.from({ length: 2 }, () => ["", "", 0, 0, 0])],
    );
    const { stdout, stderr } = await wq(redis.url, "status", "--queue", "aborted");
    assert.equal(stderr, "");
    isHarmless(stdout);
    const line = { id: 1, item: "a", pod: "p", at: 1, line: "true" };
    const { promise: heard, resolve } = Promise.withResolvers<string>();
    const stop = await admin.followLog(({ line }) => resolve(line));
    await connection.publish("{aborted}:log", JSON.stringify([{ ...line, at: 9e99, line: "forged" }, line]));
    assert.equal(await heard, "true");
    stop();
    await connection.del("{aborted}:workers", "{aborted}:alive", "{aborted}:leases");
    connection.disconnect();
  });

  it("is printed as escapes by wq results --csv in a terminal, and as it is into a file", async () => {
    const args = ["results", "--csv", "--all"];
    const screen = inTerminal([process.execPath, wqScript, ...args], { WQ_REDIS_URL: redis.url });
    assert.equal(await screen.ended, 0);
    assert.match(screen.raw(), /^1,"?a\\u001b\]0;owned/m);
    isHarmless(screen.raw().replaceAll("\r\n", "\n"));
    assert.ok((await wq(redis.url, ...args)).stdout.includes(HOSTILE));
  });

  it("is tried with each verb", () => {
    assert.deepEqual(
      verbs.map(({ name }) => name).filter((name) => !(name in lines)),
      [],
    );
  });

  for (const [verb, ways] of Object.entries(lines))
    for (const args of ways)
      it(`is printed as escapes by wq ${verb} ${oneLine(args.join(" "))}`, async () => {
        for (const queue of ["list", "purge", "try", "run"].includes(verb) ? [[]] : [[], ["--queue", "aborted"]]) {
          const { stdout, stderr } = await wq(redis.url, verb, ...queue, ...args);
          isHarmless(stdout);
          isHarmless(stderr);
        }
      });
});
