// The changes behind the buttons of the page.
import type { QueueAdmin } from "../../queue/index.ts";
import { whoami } from "../commands/cancel.ts";
import { UserError } from "../errors.ts";
import type { FoundBatch } from "../stack/readStack.ts";
import { changeForWorkers, scaleWorkers, startWorkers } from "../stack/workers.ts";
import { MAX_REASON } from "../report/collect.ts";
import { namelessReason, reasonTemplate } from "../view/failureGroups.ts";
import { oneLine, pluralize } from "../view/format.ts";
import type { LiveBatch } from "./liveBatch.ts";

/** Makes a change. @returns What was done, in a sentence. @throws UserError if it cannot be done. */
export type Change = (
  batch: LiveBatch,
  wanted: Record<string, unknown>,
  found: FoundBatch | undefined,
) => Promise<string>;

/** Ids of the dead items with this reason, as the page shows it; of all without a reason. */
async function idsOf(admin: QueueAdmin, { id, reason }: Record<string, unknown>): Promise<number[] | undefined> {
  if (Number.isSafeInteger(id)) return [id as number];
  if (typeof reason !== "string") return undefined;
  const ids: number[] = [];
  for await (const record of admin.dead()) {
    const words = namelessReason(record);
    // The page shows the reason itself, or its template.
    if ([words, reasonTemplate(words)].some((text) => oneLine(text, MAX_REASON) === reason)) ids.push(record.id);
  }
  return ids;
}

/** Makes a change that leaves items waiting, and starts workers if none are left. @returns Who takes the items. */
async function withWorkers<T>(batch: LiveBatch, found: FoundBatch | undefined, change: () => Promise<T>) {
  const { changed, takers } = await changeForWorkers(batch, found, change);
  if (takers !== undefined) return { changed, by: takers };
  batch.setDoing("`pulumi up` starts the workers; it says in the terminal of `wq ui` how that goes");
  void startWorkers(found!, 2)
    .then((succeeded) =>
      batch.setDoing(succeeded !== false ? undefined : "`pulumi up` failed: see the terminal of `wq ui`"),
    )
    .catch((error: Error) => batch.setDoing(error.message));
  return { changed, by: "new workers" };
}

async function retry(batch: LiveBatch, wanted: Record<string, unknown>, found?: FoundBatch): Promise<string> {
  const { admin } = batch;
  const ids = await idsOf(admin, wanted);
  const { dead } = await admin.counts();
  if (ids ? ids.length === 0 : dead === 0) throw new UserError("none of these items is failed any more");
  const { changed, by } = await withWorkers(batch, found, () => admin.retry(ids));
  return `Put ${pluralize(changed, "item")} back: ${by} take them.`;
}

async function resume(batch: LiveBatch, _: unknown, found?: FoundBatch): Promise<string> {
  const { admin } = batch;
  if ((await admin.counts()).state === "finished") throw new UserError("the batch is finished");
  const { by } = await withWorkers(batch, found, () => admin.resume());
  return `Resumed: ${by} take what is left.`;
}

async function scale(_: LiveBatch, { pods }: Record<string, unknown>, found?: FoundBatch): Promise<string> {
  if (found?.batch.workerJob === undefined) throw new UserError("only the workers of a stack can be scaled from here");
  if (!Number.isSafeInteger(pods) || Number(pods) < 1)
    throw new UserError("the number of pods is an integer from 1 up");
  const { from } = await scaleWorkers(found, Number(pods));
  return `From ${from} to ${String(pods)} pods.`;
}

async function cancel({ admin }: LiveBatch, { id, all }: Record<string, unknown>): Promise<string> {
  const which = all === true ? () => true : Number.isSafeInteger(id) ? [id as number] : [];
  const cancelled = await admin.cancel(which, whoami());
  if (cancelled === 0) throw new UserError("no such item was left to cancel");
  return `Cancelled ${pluralize(cancelled, "item")}.`;
}

/** The changes by their names in an address. */
export const changes: Record<string, Change> = {
  retry,
  cancel,
  scale,
  pause: async ({ admin }) => {
    await admin.pause();
    return "Paused: what is in flight finishes, nothing new starts.";
  },
  resume,
};
