import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keys } from "../../queue/index.ts";
import { checkout } from "../../test/support/checkout.ts";
import { clusterUp } from "../../test/support/platform.ts";
import { type Settings, TestStack } from "../../test/support/stack.ts";
import { alternate, type Bench, type Figure, figure } from "../measure.ts";

/** Rounds take a minute. */
const MAX_ROUNDS = 3;

/**
 * From an edit of the handler to its first item, by `pulumi up` on the local platform: with the code in a ConfigMap,
 * against an image that is built, pushed and pulled. Both batches are there already, and a changed `run` gives the
 * handler something to do.
 */
export async function edit(bench: Bench): Promise<Figure[]> {
  await clusterUp();
  const { project, remove } = checkout();
  const handler = join(project, "worker/handler.ts");
  const shipped = readFileSync(handler, "utf8");
  let edits = 0;

  /** One edit, seconds. */
  async function editAndUp(stack: TestStack): Promise<number> {
    const mark = `edit ${++edits}`;
    const edited = Date.now();
    writeFileSync(handler, shipped.replace("{ signal }: ItemContext) {", `$&\n  if (item) return "${mark}" as never;`));
    await stack.mustUp({ run: String(edits) });
    const record = await stack.redis("hget", keys("job2").results, "1");
    // The first attempt: its result, and when it began by the clock of Redis, which is this machine's.
    const [, result, start] = /^d\d+ =(.*)\n\d+ \d+ (\d+) /.exec(record) ?? [];
    if (result !== JSON.stringify(mark)) throw new Error(`Expected the result of ${mark}, got the record ${record}`);
    return (Number(start) - edited) / 1000;
  }

  const stackOf = (settings: Settings) =>
    new TestStack({ items: ["apple"], parallelism: 1, ...settings }, { project }).init();
  const stacks: TestStack[] = [];
  try {
    const plain = await stackOf({ imageName: undefined });
    stacks.push(plain);
    const built = await stackOf({});
    stacks.push(built);
    for (const stack of stacks) await editAndUp(stack);
    const rounds = Math.min(bench.rounds, MAX_ROUNDS);
    const seconds = await alternate({ ...bench, rounds }, "edit to first item", {
      "no image": () => editAndUp(plain),
      "built image": () => editAndUp(built),
    });
    const compared = { with: `built image: ${seconds["built image"].toFixed(1)} s`, floor: 2 };
    const ratio = seconds["built image"] / seconds["no image"];
    return [
      figure("edit of the handler to its first item, no image", seconds["no image"], "s", { ...compared, ratio }),
    ];
  } finally {
    for (const stack of stacks) await stack.remove();
    remove();
  }
}
