import { oneLine } from "../../config/foreignText.ts";
import { firstLine, UserError } from "../errors.ts";
import { wq } from "../invocation.ts";
import { openBatch } from "../stack/openQueue.ts";
import { type FoundBatch, readBatchAt } from "../stack/readStack.ts";
import { forget, locate } from "./runs.ts";
import { pulumiError, runStack } from "./runStack.ts";

/** The command that goes on with a run. */
export const attachLine = (name: string): string => `\`${wq(`run --attach ${name}`)}\``;

/** Deletes the keys of a run from a Redis of the user's own. @returns Why it could not. */
async function purge(found: FoundBatch | undefined): Promise<string | undefined> {
  if (found?.batch.redis.url === undefined) return undefined; // another one goes with its pod
  try {
    const { admin, close } = await openBatch(found);
    await admin.purge({ force: true }).finally(close);
    return undefined;
  } catch (error) {
    return oneLine(firstLine(error));
  }
}

/** Removes everything that a run created, and forgets it. @throws UserError of one line. */
export async function takeAway(name: string): Promise<void> {
  // A terminal's Ctrl-C ends Pulumi, and that is told.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const found = await readBatchAt(locate(name)).catch(() => undefined);
    const stack = await runStack(name, async () => {});
    await stack.cancel().catch(() => {}); // a lock that a killed run left
    // Before, since only its pods may reach this Redis; and again, since they may have written something meanwhile.
    const before = await purge(found);
    await stack.destroy();
    const after = await purge(found);
    await stack.workspace.removeStack(name);
    forget(name);
    if (before !== undefined && after !== undefined) console.error(`Keys of ${name} are left in Redis: ${after}`);
  } catch (error) {
    throw new UserError(
      `not everything could be removed: ${firstLine(pulumiError(error))}; try again: ${attachLine(name)}`,
    );
  } finally {
    process.off("SIGINT", ignore);
  }
}
