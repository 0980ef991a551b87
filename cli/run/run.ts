// A run from its beginning to its end.
import { delimiter, resolve } from "node:path";
import { hasReplacement } from "../../config/replacements.ts";
import { AbsentError, UserError } from "../errors.ts";
import { openBatch } from "../stack/openQueue.ts";
import { readBatchAt } from "../stack/readStack.ts";
import { pluralize } from "../view/format.ts";
import { deploy, targetOf } from "./deploy.ts";
import { conclude, leave, stop } from "./end.ts";
import { endingOf } from "./interrupt.ts";
import type { RunOptions } from "./options.ts";
import { takeAway } from "./remove.ts";
import { type Output, RowWriter } from "./rowWriter.ts";
import { findPulumi } from "./runStack.ts";
import { takeOver } from "../stack/runFollowers.ts";
import { locate, newName, useKubeconfig, writeNote } from "../stack/runFolder.ts";
import { watchRun } from "./watch.ts";

/** A program or handler, and its items. */
export interface RunWork {
  command: string[];
  items: string[];
  /** The place of each item among all that were given, from 1. */
  places: number[];
}

/** Runs it. Sets the exit code of this process. */
export async function startRun({ command, items, places }: RunWork, options: RunOptions): Promise<void> {
  const name = newName();
  const target = targetOf(options);
  await findPulumi();
  const output: Output = { command, items, places, ...outputOf(options) };
  const rows = new RowWriter(output);
  const shown = command.length > 0 ? command.join(" ") : options.handler!;
  const kubeconfig = wholePaths(process.env.KUBECONFIG);
  if (kubeconfig !== "") process.env.KUBECONFIG = kubeconfig; // Pulumi runs in another folder
  writeNote({ name, ...target, kubeconfig, items: items.length, startedAt: Date.now(), command: shown, output });
  takeOver(name);
  console.error(`${name}: ${pluralize(items.length, "item")} in namespace ${target.namespace}`);
  if (isUnseen(command)) console.error("No argument has {}: the item is on standard input, and in $ITEM.");
  const warnings: string[] = [];
  const done = deploy({ name, ...target, command, items }, options, (line) => warnings.push(line));
  await follow(name, rows, options, { warnings, done });
}

/** Goes on with a run that was left, and writes its rows into the same files. */
export async function attachRun(name: string, options: RunOptions): Promise<void> {
  const note = takeOver(name);
  useKubeconfig(note);
  await removeCutOff(name);
  await follow(name, new RowWriter({ ...note.output, ...outputOf(options) }), options);
}

/** An `up` at work, and its warnings. */
interface Deploying {
  done: Promise<void>;
  warnings: string[];
}

/** Follows a run until it is over, or no longer followed. Then the run is removed, or left for `--attach`. */
async function follow(name: string, rows: RowWriter, { eta, keep }: RunOptions, deploying?: Deploying): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  const open = async () => openBatch(await readBatchAt(locate(name)));
  const watched = watchRun(open, { rows, eta: eta ?? false, warnings: deploying?.warnings, signal });
  const deployed = deploying?.done.then(
    () => undefined,
    (error: UserError) => error,
  );
  const work = deployed?.finally(() => over.abort()) ?? watched;
  const ending = await endingOf(work, { watched, over });
  if (ending === "over") await conclude(name, await watched, { keep, trouble: await deployed });
  else if (ending === "stopped") await stop(name, work);
  else await leave(name, ending === "left" ? undefined : ending);
}

/** Removes a run that was killed while it was created or removed. @throws UserError that says so. */
async function removeCutOff(name: string): Promise<void> {
  try {
    await readBatchAt(locate(name));
  } catch (error) {
    if (!(error instanceof AbsentError)) throw error;
    await takeAway(name);
    throw new UserError(
      `${name} was cut off while it was created or removed: what was left of it is removed now, and its results are lost; run it again`,
    );
  }
}

/** True if the user may expect the item as the command's last argument, since GNU parallel appends it. */
const isUnseen = (command: string[]) =>
  command.length > 0 && !hasReplacement(command) && !command.some((word) => word.includes("ITEM"));

/** A list of paths, made absolute, so that they hold in another folder, too. */
const wholePaths = (paths = "") =>
  paths
    .split(delimiter)
    .map((path) => path && resolve(path))
    .join(delimiter);

/** The options for the rows. Paths are absolute, since `--attach` may run in another folder. */
function outputOf({ joblog, results, ordered }: RunOptions): Partial<Output> {
  const whole = (file: string | undefined) => (file === undefined ? undefined : resolve(file));
  const given = { joblog: whole(joblog), results: whole(results), ordered };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
