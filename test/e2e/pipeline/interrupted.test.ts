// Runs first: it has ten rounds in the full run.
// An `up` that is killed or interrupted at several moments, and run again.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLines } from "../../support/leftovers.ts";
import { some } from "../../support/full.ts";
import { onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const ITEMS = ["first", "second", "third", "fourth"];
const IMAGE = "127.0.0.1:5000/job-wq-2-interrupted";

describe("an interrupted `up`", () => {
  const stack = new TestStack({ items: ITEMS, workSeconds: 1, imageName: IMAGE });
  let run = 1;

  onPlatform(async () => {
    await stack.init();
    await stack.mustUp();
  });
  after(() => stack.remove());

  const get = (...args: string[]) => stack.kubectl("get", ...args).catch(() => "");
  const uid = (job: string) => get("job", job, "-o", "jsonpath={.metadata.uid}");
  const logs = (component: string) =>
    stack.kubectl("logs", "-l", `app.kubernetes.io/component=${component}`, "--tail=-1").catch(() => "");

  /** Number of attempts at every item, by `wq results`. */
  async function attempts(): Promise<number[]> {
    const { out } = await stack.wq("results", "--json");
    const rows = out.split("\n").map((line) => JSON.parse(line) as { attempts: number });
    return rows.map(({ attempts }) => attempts);
  }

  const isProgram = (line: string) => line.includes("/cmd/run/index.js ") && line.includes(` ${stack.name} `);

  /** Moments of an `up`, and if each is reached. `before`: the Jobs that existed before the `up`. */
  const moments: [title: string, reached: (before: Jobs, output: string) => Promise<boolean>][] = [
    ["the image is pushed", async (_, output) => /worker-image (creating|updating)/.test(output)],
    ["the seeding runs", async ({ seed }) => !["", seed].includes(await uid("job-wq-2-seed"))],
    ["the workers start", async ({ workers }) => !["", workers].includes(await uid("job-wq-2"))],
    [
      "the work is under way",
      async ({ workers }) => workers !== (await uid("job-wq-2")) && /Working/.test(await logs("worker")),
    ],
    [
      "the supervisor ends",
      async ({ workers }) => workers !== (await uid("job-wq-2")) && /all 4 items done/.test(await logs("supervisor")),
    ],
  ];

  const rounds = (["SIGKILL", "SIGINT"] as const).flatMap((signal) =>
    moments.map((moment) => [signal, ...moment] as const),
  );
  // Normally one kill before the work and one interruption during it; in the full run all.
  const [early, late] = [rounds[1]!, rounds[8]!];
  for (const [signal, moment, reached] of some(
    [early, late, ...rounds.filter((one) => one !== early && one !== late)],
    2,
  )) {
    it(`by ${signal} while ${moment}: the next one ends it, and starts nothing twice`, async () => {
      const before = { seed: await uid("job-wq-2-seed"), workers: await uid("job-wq-2") };
      stack.set({ run: String(++run), imageName: `${IMAGE}:${run}` });
      const up = stack.start("up", "--yes", "--skip-preview");
      let output = "";
      up.all.on("data", (chunk: Buffer) => (output += chunk.toString()));
      let ended = false;
      void up.then(() => (ended = true));
      while (!ended && !(await reached(before, output))) await sleep(50);
      assert.ok(up.kill(signal), output);
      await up;
      const left = await uid("job-wq-2");
      if (signal === "SIGKILL") await stack.pulumi("cancel", "--yes");

      const { ok, text } = await stack.pulumi("up", "--yes", "--skip-preview");
      assert.ok(ok, `${output}\n---\n${text}`);
      assert.match(await stack.verdict(), /all 4 items done/);
      assert.deepEqual(await attempts(), [1, 1, 1, 1]);
      if (/under way|supervisor/.test(moment)) assert.equal(await uid("job-wq-2"), left, "the workers were replaced");
      const preview = await stack.preview("--expect-no-changes");
      assert.ok(preview.ok, preview.text);
      // Its engine is gone, so the program ends with its next message to it.
      while (commandLines().some(isProgram)) await sleep(500);
    });
  }
});

interface Jobs {
  seed: string;
  workers: string;
}
