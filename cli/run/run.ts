// A run from its beginning to its end, and what Ctrl-C means in between.
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { kubeconfigOf } from "../../kube/kubeconfig.ts";
import { AbsentError, firstLine, UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_UNFINISHED } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { readBatchAt } from "../stack/readStack.ts";
import { deploy } from "./deploy.ts";
import type { RunOptions } from "./options.ts";
import { remove } from "./remove.ts";
import { RowWriter } from "./rowWriter.ts";
import { forget, locate, newName, readNote, writeNote } from "./runs.ts";
import { pluralize } from "../view/format.ts";
import { type RunState, summary, watchRun } from "./watch.ts";

/** A program or handler, and its items. */
export interface RunWork {
  command: string[];
  items: string[];
  /** Of each item its place among all that were given, from 1. */
  places: number[];
}

/** Time for a Pulumi that was interrupted to end, ms. */
const CANCEL_MS = 10_000;

const say = (text: string) => console.error(text);

function namespaceOf({ namespace, context }: RunOptions): string {
  try {
    const config = kubeconfigOf({ context });
    return namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
  } catch (error) {
    throw new UserError(firstLine(error));
  }
}

/** Runs it. Sets the exit code of this process. */
export async function startRun({ command, items, places }: RunWork, options: RunOptions): Promise<void> {
  const name = newName();
  const namespace = namespaceOf(options);
  const shown = command.length > 0 ? command.join(" ") : options.handler!;
  const rows = new RowWriter(options, command, places);
  writeNote({ name, namespace, context: options.context, items: items.length, startedAt: Date.now(), command: shown });
  say(`${name}: ${pluralize(items.length, "item")} in namespace ${namespace}`);
  const over = new AbortController();
  let trouble: UserError | undefined;
  const warnings: string[] = [];
  const deployed = deploy({ name, namespace, command, items }, options, (line) => warnings.push(line))
    .catch((error: UserError) => (trouble = error))
    .finally(() => over.abort());
  const watched = watchRun(name, { rows, warnings, eta: options.eta ?? false, signal: over.signal });
  await new Interrupt(name, { watched, over }).during(deployed);
  await finish(name, await watched, options, trouble);
}

/** Goes on with one that was left. */
export async function attachRun(name: string, options: RunOptions): Promise<void> {
  readNote(name);
  try {
    await readBatchAt(locate(name));
  } catch (error) {
    if (!(error instanceof AbsentError)) throw error;
    await takeAway(name);
    throw new UserError(`${name} was cut off before its workers were there, and was removed: run it again`);
  }
  const rows = new RowWriter(options, [], []);
  const over = new AbortController();
  const watched = watchRun(name, { rows, eta: options.eta ?? false, signal: over.signal });
  await new Interrupt(name, { watched, over }).during(watched);
  await finish(name, await watched, options);
}

async function finish(name: string, state: RunState, { keep }: RunOptions, trouble?: UserError): Promise<void> {
  const { counts } = state;
  const isBad = !counts || counts.dead > 0 || counts.state !== "finished";
  for (const line of summary(state)) say(line);
  if (keep) say(`Kept as ${name}: \`${wq(`run --attach ${name}`)}\` takes it away.`);
  else await takeAway(name);
  // The trouble names failed items, if there are any. Without them the run did not get so far.
  if (trouble && (!counts || (counts.dead === 0 && counts.state !== "aborted"))) throw trouble;
  process.exitCode = isBad ? EXIT_FAILED : EXIT_OK;
}

async function takeAway(name: string): Promise<void> {
  // A terminal's Ctrl-C ends Pulumi, and that is told.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    await remove(name);
    forget(name);
  } catch (error) {
    throw new UserError(
      `not everything could be taken away: ${firstLine(error)}; again: ${wq(`run --attach ${name}`)}`,
    );
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** The watcher of a run, and the way to end it. */
interface Watcher {
  watched: Promise<unknown>;
  over: AbortController;
}

/** Ctrl-C: once asks, where there is a terminal, and twice leaves at once. */
class Interrupt {
  readonly #name: string;
  readonly #watcher: Watcher;

  constructor(name: string, watcher: Watcher) {
    this.#name = name;
    this.#watcher = watcher;
  }

  async during(work: Promise<unknown>): Promise<void> {
    let isAsked = false;
    const onSignal = () => {
      if (isAsked || !process.stdin.isTTY) this.#leave();
      isAsked = true;
      void this.#ask(work);
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
    try {
      await work;
      // A terminal's Ctrl-C ends Pulumi too, and with it the work. The answer decides what becomes of the run.
      if (isAsked) await new Promise(() => {});
    } finally {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    }
  }

  #leave(): never {
    say(`Left running. Go on: \`${wq(`run --attach ${this.#name}`)}\`.`);
    process.exit(EXIT_UNFINISHED);
  }

  async #ask(work: Promise<unknown>): Promise<void> {
    this.#watcher.over.abort();
    await this.#watcher.watched; // its bar would be drawn over the question
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    terminal.on("SIGINT", () => this.#leave());
    const answer = await terminal.question("\nLeave it running (l), or stop it and take it away (s)? [l] ");
    terminal.close();
    if (!/^s/i.test(answer.trim())) this.#leave();
    say("Taking it away.");
    await Promise.race([work, sleep(CANCEL_MS)]);
    await takeAway(this.#name).catch((error: Error) => say(error.message));
    process.exit(EXIT_FAILED);
  }
}
