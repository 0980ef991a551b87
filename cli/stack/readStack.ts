import { AbsentError, UserError } from "../errors.ts";
import { type BatchLocation, findBatches, pickBatch } from "./batches.ts";
import { stackCandidates, type StackLocation, withName } from "./findStack.ts";
import { capturePulumi, failure } from "./pulumi.ts";
import { parseStackExport, type StackState } from "./stackExport.ts";
import { stackOfRun } from "./runFolder.ts";

/** A stack that was found, and its state. */
export interface FoundStack {
  location: StackLocation;
  state: StackState;
  /** For messages: `stack dev`. */
  title: string;
}

/** A batch that was found, and its stack. */
export interface FoundBatch extends FoundStack {
  batch: BatchLocation;
}

/** Also of a backend that nobody is logged in to. */
const NO_STACK = /no stack (named|selected)|no current stack|not found|PULUMI_ACCESS_TOKEN must be set/i;

/** The state of the first of these stacks that exists. @throws UserError if none does, or it cannot be read. */
async function exportFirst(candidates: StackLocation[]): Promise<FoundStack> {
  let reason = "";
  for (const candidate of candidates) {
    const run = await capturePulumi(candidate, ["stack", "export", "--show-secrets"]);
    if (run.exitCode === 0) {
      const state = parseStackExport(run.stdout);
      const name = candidate.stack ?? state.stack;
      const location = name === undefined ? candidate : withName(candidate, name, candidates);
      return { location, state, title: name === undefined ? "the current stack" : `stack ${name}` };
    }
    const why = failure(run);
    if (!NO_STACK.test(why)) {
      const which = candidate.stack === undefined ? "the current stack" : `stack ${candidate.stack}`;
      throw new UserError(`cannot read the state of ${which}: ${why}`);
    }
    reason ||= why.replace(/;.*$/, "");
  }
  throw new AbsentError(`no stack: ${reason}; \`pulumi stack select NAME\`, or give --stack NAME`);
}

/** The stack, or the run, that is asked for, or the current stack. @throws UserError if there is none. */
export async function readStack(stack: string | undefined): Promise<FoundStack> {
  const run = stack === undefined ? undefined : stackOfRun(stack);
  return exportFirst(run ? [run] : stackCandidates(stack));
}

/** The batch that is asked for, or the only one. @throws UserError if there is none, or several. */
function batchOf(found: FoundStack, name: string | undefined): FoundBatch {
  return { ...found, batch: pickBatch(findBatches(found.state), name, found.title) };
}

/** The batch that the options name. @throws UserError if there is none, or several. */
export async function readBatch({ stack, batch }: { stack?: string; batch?: string }): Promise<FoundBatch> {
  return batchOf(await readStack(stack), batch);
}

/** A stack whose location is known. @throws UserError if it is not there. */
export const readStackAt = (location: StackLocation): Promise<FoundStack> => exportFirst([location]);

/** The only batch of a stack whose location is known. */
export async function readBatchAt(location: StackLocation): Promise<FoundBatch> {
  return batchOf(await readStackAt(location), undefined);
}
