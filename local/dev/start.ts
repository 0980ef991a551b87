// `npm start`: brings up the local platform and the stack `dev`, and prints which pod worked on which items.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { lostNode } from "../paths.ts";
import { firstLine, UserError } from "../../cli/errors.ts";
import { wq } from "../../cli/invocation.ts";
import { remember, type StackLocation } from "../../cli/stack/findStack.ts";
import { openBatch } from "../../cli/stack/openQueue.ts";
import { pulumiCommand } from "../../cli/stack/pulumi.ts";
import { readBatchAt } from "../../cli/stack/readStack.ts";
import { displayName, oneLine } from "../../cli/view/format.ts";
import { watchProgress } from "../../cli/view/liveProgress.ts";
import { resultRow } from "../../queue/index.ts";
import { devStack, prepareStack, script } from "./devStack.ts";

/** Items that are listed; the rest is counted. */
const LISTED = 20;
/** Columns of commands, before what they show. */
const WIDTH = 38;

/** True for steps of Pulumi that are done, and for its messages; steps that have only begun are left out. */
const isWorthShowing = (line: string) =>
  !/^@ |^\s*$|\b(creating|updating|deleting|replacing)\b|warning: using pulumi-l/.test(line);

/**
 * `pulumi up`, line by line as it goes, with the bar of `wq status` while the workers work.
 * @returns Whether it changed anything.
 */
async function up(location: StackLocation, more: string[] = []): Promise<boolean> {
  const ended = new AbortController();
  const open = async () => openBatch(await readBatchAt(location));
  const bar = watchProgress(open, { signal: ended.signal, stream: process.stdout });
  const flags = ["--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", "--color=never"];
  const { args, options } = pulumiCommand(location, ["up", ...flags, ...more]);
  // One pipe for both: lines stay in their order.
  const child = spawn("sh", ["-c", 'exec pulumi "$@" 2>&1', "sh", ...args], {
    ...options,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  // Its diagnostics repeat earlier lines, so they are printed only after a failure.
  const diagnostics: string[] = [];
  const all: string[] = [];
  let inDiagnostics = false;
  for await (const line of createInterface({ input: child.stdout })) {
    all.push(line);
    inDiagnostics = /^Diagnostics:/.test(line) || (inDiagnostics && !/^Resources:/.test(line));
    if (inDiagnostics) diagnostics.push(line);
    else if (isWorthShowing(line)) console.log(line);
  }
  const [exitCode] = (await closed) as [number | null];
  ended.abort();
  await bar;
  if (exitCode !== 0) {
    console.error(diagnostics.filter(isWorthShowing).join("\n"));
    throw new UserError(`\`pulumi up\` failed: see above`);
  }
  return !/^Resources:\n\s+\d+ unchanged\n/m.test(all.join("\n"));
}

/** Items by pod, from the queue's records, which outlive the pods. */
async function report(location: StackLocation): Promise<void> {
  const found = await readBatchAt(location);
  const { workerJob = "job-wq-2" } = found.batch;
  const { admin, close } = await openBatch(found);
  try {
    const rows = [];
    let more = 0;
    for await (const record of admin.results()) {
      if (rows.length === LISTED) more++;
      else rows.push(resultRow(record));
    }
    console.log("\nWhat the workers did:");
    for (const { item, outcome, pod, reason } of rows) {
      const why = reason ? `: ${oneLine(reason, 200)}` : "";
      console.log(`  ${(pod ?? "").padEnd(18)} ${outcome.padEnd(8)} ${displayName(Buffer.from(item))}${why}`);
    }
    if (more) console.log(`  and ${more} more`);
    const { total, done, dead } = await admin.counts();
    const advice = dead ? ` (why: ${wq("failed")}; again: ${wq("retry")})` : "";
    console.log(`${done} of ${total} items done, ${dead} failed${advice}`);
  } finally {
    close();
  }
  const { namespace } = found.batch;
  const kubectl = namespace === "default" ? "kubectl" : `kubectl -n ${namespace}`;
  console.log(`
Look further:
  ${wq("status").padEnd(WIDTH)}where the batch stands
  ${wq("results").padEnd(WIDTH)}every item with its result
  ${'eval "$(npm run -s platform env)"'.padEnd(WIDTH)}then, in any folder, \`wq status\`; and, as on the Kubernetes page:
  ${kubectl} describe jobs/${workerJob}
  ${kubectl} logs -l job-name=${workerJob} --prefix --tail=-1
Your own items and work: \`job-wq-2:items\` and \`job-wq-2:handler\` in Pulumi.dev.yaml, then \`npm start\` again.
With another \`job-wq-2:run\` there, all items run again; otherwise, what is done stays done. \`npm run down\` removes everything.`);
}

/** The platform, and the stack on it. */
async function prepareDev(): Promise<StackLocation> {
  const { exitCode } = await script("local/platform.ts", "up");
  if (exitCode !== 0) process.exit(exitCode ?? 1);
  const location = devStack();
  await prepareStack(location);
  return location;
}

try {
  if (process.argv.length > 2)
    throw new UserError(`\`npm start\` takes no options; on a cluster of your own: ${wq("run")}, or \`pulumi up\``);
  const location = await prepareDev();
  remember(location);
  // The objects of the old cluster are gone, which Pulumi does not know.
  const isLost = existsSync(lostNode);
  if (isLost) console.log(`Node ${readFileSync(lostNode, "utf8")} was removed: looking for what must be created again`);
  const changed = await up(location, isLost ? ["--refresh"] : []);
  if (isLost) rmSync(lostNode);
  await report(location);
  if (!changed) console.log("\nNothing had changed: nothing was built, pushed or run.");
} catch (error) {
  console.error(`start: ${firstLine(error)}`);
  process.exit(1);
}
