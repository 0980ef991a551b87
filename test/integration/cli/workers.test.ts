// Verbs that leave items waiting, and the workers that take them.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { topReasons } from "../../../cli/report/collect.ts";
import { FailureGroups } from "../../../cli/view/failureGroups.ts";
import { Consumer, QueueAdmin, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { knownStack, steps } from "../../support/knownStack.ts";
import { withQueue } from "../../support/withQueue.ts";

describe("wq on a batch of a stack", () => {
  const t = withQueue();
  let stack: Awaited<ReturnType<typeof knownStack>>;
  let admin: QueueAdmin;
  beforeEach(async () => {
    stack = await knownStack(t.url);
    admin = new QueueAdmin(t.redis, "thumbs");
  });
  afterEach(() => stack.remove());

  const seed = (queue = "thumbs", owner = "media/prod") =>
    new Seeder({ url: t.url, queue }).seed(["a", "b"], { owner, run: "1", seedId: "1" });
  /** Works on the batch until it ends: every item fails. */
  const fail = (queue = "thumbs", why: (item: string) => string = () => "is bad") => {
    const handler = (item: string) => Promise.reject(new Error(why(item)));
    const retry = { maxAttempts: 1, backoff: { min: 1, max: 1 } };
    return new Consumer({ ...quick(t.url), queue, retry, abortWhenNothingSucceeds: false, handler }).run();
  };
  const UP = "up --yes --skip-preview --replace";

  it("retry and resume start workers if the batch has just ended and its Job still runs", async () => {
    await seed();
    await fail();
    const [code, all] = await stack.wq(["retry"]);
    assert.deepEqual(
      [code, all],
      [0, "Running 2 items again.\nup: done\n`up` does not wait (`wait`): npx --no wq status --watch"],
    );
    await admin.abort("enough");
    assert.deepEqual(await stack.wq(["resume"]), [0, "Resumed: 2 items left to start, by new workers.\nup: done"]);
    assert.ok(stack.ups().length === 2 && stack.ups().every((up) => up.startsWith(UP)), stack.ups().join("\n"));
  });

  it("retry starts no workers if some run, and leaves a pause as it is", async () => {
    await seed();
    const [, one] = await stack.wq(["retry"]);
    assert.equal(one, "Nothing failed: the workers that run take the 2 items left.");
    await admin.pause();
    const [, paused] = await stack.wq(["retry"]);
    assert.equal(
      paused,
      "Nothing failed: once the batch goes on (`npx --no wq resume`), its workers take the 2 items left.",
    );
    stack.job.running = false;
    assert.deepEqual(stack.ups(), []);
    const [, resumed] = await stack.wq(["resume"]);
    assert.match(String(resumed), /^Resumed: 2 items left to start, by new workers\.\n/);
    assert.equal(stack.ups().length, 1);
  });

  it("retry and resume start no workers for another queue than the batch's", async () => {
    await seed();
    await seed("other");
    await fail("other");
    for (const [verb, line] of [
      ["retry", "Put 2 items back: workers that run already (none are started for another `--queue`) take them."],
      ["resume", "Resumed: workers that run already (none are started for another `--queue`) take the 2 items left."],
    ] as const)
      assert.deepEqual(await stack.wq([verb, "--queue", "other"]), [0, line]);
    assert.deepEqual(stack.ups(), []);
  });

  for (const [step, what] of [
    ["redis", "Redis"],
    ["seed", "the items, or run them all again"],
    ["list", "the items, or run them all again"],
  ] as const)
    it(`retry and resume change nothing if \`up\` would also change ${what}`, async () => {
      await seed();
      await fail();
      stack.previews(steps.workers, steps[step]);
      const refused = `nothing was changed: new workers would come with all changes of the stack, and these also change ${what}; look at them with \`pulumi up\``;
      assert.deepEqual(await stack.wq(["retry"]), [3, `wq retry: ${refused}`]);
      assert.equal((await admin.counts()).dead, 2);
      await admin.requeueDead();
      await admin.abort("enough");
      assert.deepEqual(await stack.wq(["resume"]), [3, `wq resume: ${refused}`]);
      assert.equal((await admin.counts()).state, "aborted");
      assert.deepEqual(stack.ups(), []);
    });

  for (const [diagnostics, why] of [
    [
      [
        { severity: "warning", message: "slow" },
        { severity: "error", message: "<{%fg 1%}>no code<{%reset%}>\nat x" },
      ],
      "no code",
    ],
    [[], '{"diagnostics":[]}'],
  ] as const)
    it(`retry and resume change nothing if \`pulumi preview\` fails: ${why}`, async () => {
      await seed();
      await fail();
      stack.failsPreview(...diagnostics);
      const refused = `nothing was changed, since \`pulumi preview\` failed: ${why}`;
      assert.deepEqual(await stack.wq(["retry"]), [3, `wq retry: ${refused}`]);
      assert.equal((await admin.counts()).dead, 2);
      await admin.requeueDead();
      await admin.abort("enough");
      assert.deepEqual(await stack.wq(["resume"]), [3, `wq resume: ${refused}`]);
      assert.deepEqual([(await admin.counts()).state, stack.ups()], ["aborted", []]);
    });

  it("scale refuses a Redis without a stack, also in the folder of a stack", async () => {
    await seed();
    const line =
      "wq scale: a Redis without a stack has no workers to scale: give --stack NAME, or leave out --redis and WQ_REDIS_URL";
    assert.deepEqual(await stack.wq(["scale", "3", "--redis", t.url]), [3, line]);
    assert.deepEqual(await stack.wq(["scale", "3"], { WQ_REDIS_URL: t.url }), [3, line]);
    const [code, said] = await stack.wq(["scale", "3", "--stack", "prod"], { WQ_REDIS_URL: t.url });
    assert.deepEqual([code, String(said).slice(0, 17)], [0, "From 1 to 3 pods,"]);
  });

  it("retry goes on with new code, although that also replaces the seed Job", async () => {
    await seed();
    await fail();
    stack.previews(steps.workers, steps.seedOfNewCode, steps.marksOfList);
    const [code, text] = await stack.wq(["retry"]);
    assert.match(String(text), /^Running 2 items again\.\nup: done/);
    assert.deepEqual([code, stack.ups().length], [0, 1]);
  });

  it("a named stack or batch wins over WQ_REDIS_URL", async () => {
    await seed();
    for (const option of ["--stack=prod", "--batch=thumbs"]) {
      const [, all] = await stack.wq(["status", option], { WQ_REDIS_URL: "redis://127.0.0.1:1" });
      assert.match(String(all), /^thumbs \(stack prod\) /);
      assert.deepEqual(await stack.wq(["status", option, "--redis", t.url]), [
        3,
        "wq status: --redis is a Redis without a stack: leave it out, or --stack and --batch",
      ]);
    }
  });

  describe("ui", () => {
    let child: ChildProcess;
    let post: (name: string, body?: object) => Promise<string>;
    beforeEach(async () => {
      const { place } = stack;
      child = spawn(process.execPath, [wqScript, "ui", "--no-open", "--json"], {
        ...place,
        stdio: ["ignore", "pipe", 2],
      });
    });
    afterEach(() => child.kill("SIGKILL"));
    /** Starts to listen. */
    const serve = async () => {
      const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
      const { origin, pathname, searchParams } = new URL((JSON.parse(line) as { address: string }).address);
      const headers = { "content-type": "application/json", cookie: `wq=${searchParams.get("token")}`, origin };
      post = async (name, body = {}) =>
        (
          await fetch(`${origin}${pathname}api/batches/thumbs/${name}`, {
            method: "POST",
            headers,
            body: JSON.stringify(body),
          })
        ).text();
    };

    it("changes no batch of another stack", async () => {
      await seed("thumbs", "media/dev");
      await serve();
      for (const name of ["pause", "cancel", "retry", "resume"])
        assert.match(await post(name), /^the batch thumbs belongs to media\/dev here, not to media\/prod: /);
      assert.equal((await admin.counts()).state, "open");
    });

    it("scales no Job of another stack", async () => {
      await seed();
      await serve();
      stack.job.owner = "media/dev";
      assert.match(
        await post("scale", { pods: 3 }),
        /^the Job thumbs belongs to media\/dev here, not to media\/prod: /,
      );
      stack.job.owner = "media/prod";
      assert.equal(await post("scale", { pods: 3 }), '{"message":"From 1 to 3 pods."}');
    });

    it("retries a group by a reason that the page cuts within a number", async () => {
      await seed();
      const words = (number: string) => `${"is far too bad ".repeat(13)}${number} times`;
      await fail("thumbs", (item) => words(item === "a" ? "123456" : "98765"));
      const groups = new FailureGroups();
      for await (const record of admin.dead()) groups.add(record);
      const { reason } = topReasons(groups)[0]!;
      assert.equal(reason.length, 200);
      await serve();
      assert.equal(await post("retry", { reason }), '{"message":"Put 2 items back: new workers take them."}');
    });

    it("retries and resumes as the verbs do, with new workers if none are left", async () => {
      await seed();
      await fail();
      await serve();
      assert.equal(await post("retry"), '{"message":"Put 2 items back: new workers take them."}');
      await t.until(() => stack.ups().length === 1);
      await admin.abort("enough");
      assert.equal(await post("resume"), '{"message":"Resumed: new workers take what is left."}');
      await t.until(() => stack.ups().length === 2);
      await admin.abort("enough");
      stack.previews(steps.redis);
      assert.match(await post("resume"), /^nothing was changed: .* these also change Redis; /);
      assert.equal((await admin.counts()).state, "aborted");
    });
  });

  it("changes no batch of another stack, to which another context may lead", async () => {
    await seed("thumbs", "media/dev");
    const line = `the batch thumbs belongs to media/dev here, not to media/prod: context blue-ctx (${stack.api}) may be another cluster than the stack's`;
    for (const args of [["pause"], ["cancel", "--all"], ["retry"], ["resume"]])
      assert.deepEqual(await stack.wq(args), [3, `wq ${args[0]}: ${line}`]);
    stack.job.owner = "media/dev";
    assert.deepEqual(await stack.wq(["scale", "3"]), [3, `wq scale: ${line.replace("batch", "Job")}`]);
    stack.job.isThere = false;
    const [, gone] = await stack.wq(["scale", "3"]);
    assert.ok(
      String(gone).startsWith(
        `wq scale: Job thumbs in namespace media does not exist in context blue-ctx (${stack.api}): `,
      ),
      String(gone),
    );
    const { state, waiting } = await admin.counts();
    assert.deepEqual([state, waiting], ["open", 2]);
    assert.equal((await stack.wq(["status"]))[0], 2, "it may be looked at");
  });

  it("does not take an empty text for all items", async () => {
    await seed();
    await fail();
    const none = "wq retry: --match needs a text; without it, all that failed run again";
    assert.deepEqual(await stack.wq(["retry", "--match", ""]), [3, none]);
    const which = "wq cancel: say which items: the text of one, --match TEXT, or --all";
    assert.deepEqual(await stack.wq(["cancel", "--match", ""]), [3, which]);
    assert.equal((await admin.counts()).dead, 2);
  });
});
