import type { KubernetesObject } from "@kubernetes/client-node";
import { oneLine } from "../../config/foreignText.ts";
import { firstLine, UserError } from "../errors.ts";
import { wq } from "../invocation.ts";
import { findBatches } from "../stack/batches.ts";
import { openCluster } from "../stack/openCluster.ts";
import { openBatch } from "../stack/openQueue.ts";
import { type FoundStack, readStackAt } from "../stack/readStack.ts";
import { forget, locate, readNote } from "../stack/runFolder.ts";
import { pulumiError, runStack } from "./runStack.ts";

/** The command that goes on with a run. */
export const attachLine = (name: string): string => `\`${wq(`run --attach ${name}`)}\``;

/** Deletes the keys of a run from a Redis of the user's own. @returns Why it could not. */
async function purge(found: FoundStack | undefined): Promise<string | undefined> {
  const [batch] = found ? findBatches(found.state) : [];
  if (batch?.redis.url === undefined) return undefined; // any other Redis is removed with its pod
  try {
    const { admin, close } = await openBatch({ ...found!, batch });
    await admin.purge({ force: true }).finally(close);
    return undefined;
  } catch (error) {
    return oneLine(firstLine(error));
  }
}

/**
 * Deletes objects that a killed Pulumi was creating. Its state has them only as pending.
 * @throws UserError
 */
async function deletePending(name: string, found: FoundStack | undefined): Promise<void> {
  const pending = (found?.state.pending ?? []).filter(({ type }) => type.startsWith("kubernetes:"));
  if (pending.length === 0) return;
  const { namespace, context } = readNote(name);
  const cluster = await openCluster({ context }, namespace, found!.location);
  for (const { inputs } of pending) await cluster.deleteObject(inputs as KubernetesObject);
}

/** Removes everything that a run created, and forgets it. @throws UserError of one line. */
export async function takeAway(name: string): Promise<void> {
  // A terminal's Ctrl-C ends Pulumi, and its error is reported.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const stack = await runStack(name, async () => {});
    await stack.cancel().catch(() => {}); // a lock that a killed run left
    const found = await readStackAt(locate(name)).catch(() => undefined);
    // Purged before, since perhaps only the run's pods reach this Redis; and again, since pods may have written since.
    const before = await purge(found);
    await stack.destroy();
    await deletePending(name, found);
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
