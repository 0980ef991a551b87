// `npm start`: the local platform, the stack `dev` on it, and what its workers did.
import { createInterface } from "node:readline";
import { prepareStack, script } from "../stack/devStack.ts";
import { openQueue } from "../stack/openQueue.ts";
import { resultRow } from "../view/resultRow.ts";
import { displayName, oneLine } from "../view/format.ts";
import { watchProgress } from "../view/liveProgress.ts";
import { pulumi, remember, type StackLocation, stackOutputs } from "../stack/stack.ts";
import { firstLine, UserError } from "../errors.ts";

/** Items that are listed; the rest is counted. */
const LISTED = 20;

/** Steps of Pulumi that are done, and what it has to say; what it has only begun is left out. */
const worthShowing = (line: string) =>
  !/^@ |^\s*$|\b(creating|updating|deleting|replacing)\b|warning: using pulumi-l/.test(line);

/** `pulumi up`, line by line as it goes, with the bar of `npm run status` while the workers work. @returns Whether it changed anything. */
async function up(home: StackLocation): Promise<boolean> {
  const done = new AbortController();
  const bar = watchProgress(home, { signal: done.signal, stream: process.stdout });
  const how = ["--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", "--color=never"];
  const run = pulumi(home, ["up", ...how], { reject: false, all: true });
  // Its diagnostics repeat what was said on the way: they are for a failure.
  const diagnostics: string[] = [];
  let inDiagnostics = false;
  for await (const line of createInterface({ input: run.all! })) {
    inDiagnostics = /^Diagnostics:/.test(line) || (inDiagnostics && !/^Resources:/.test(line));
    if (inDiagnostics) diagnostics.push(line);
    else if (worthShowing(line)) console.log(line);
  }
  const { exitCode, all } = await run;
  done.abort();
  await bar;
  if (exitCode !== 0) {
    console.error(diagnostics.filter(worthShowing).join("\n"));
    throw new UserError("`pulumi up` failed: see above; `npm run status` and `npm run failed` say more");
  }
  return !/^Resources:\n\s+\d+ unchanged\n/m.test(String(all));
}

/** Which pod did what, from the queue's records, which outlive the pods. */
async function report(home: StackLocation): Promise<void> {
  const { workerJob = "job-wq-2" } = await stackOutputs(home);
  const { admin, close } = await openQueue({}, home);
  try {
    const rows = [];
    let more = 0;
    for await (const record of admin.results()) {
      if (rows.length === LISTED) more++;
      else rows.push(resultRow(record));
    }
    console.log("\nWhat the workers did:");
    for (const { item, outcome, pod, reason } of rows) {
      console.log(
        `  ${(pod ?? "").padEnd(18)} ${outcome.padEnd(8)} ${displayName(Buffer.from(item))}${reason ? `: ${oneLine(reason, 200)}` : ""}`,
      );
    }
    if (more) console.log(`  and ${more} more`);
    const { total, done, dead } = await admin.counts();
    console.log(
      `${done} of ${total} items done, ${dead} failed${dead ? " (why: npm run failed; again: npm run retry)" : ""}`,
    );
  } finally {
    close();
  }
  console.log(`
Look further:
  npm run status                        where the batch stands
  npm run results                       every item with its result
  eval "$(npm run -s platform env)"     then, as on the Kubernetes page:
  kubectl describe jobs/${workerJob}
  kubectl logs -l job-name=${workerJob} --prefix --tail=-1
Your own items: Pulumi.dev.yaml; your own work: worker/handler.ts; then \`npm start\` again. \`npm run down\` takes it all away.`);
}

try {
  const { exitCode } = await script("local/platform.ts", "up");
  if (exitCode !== 0) process.exit(exitCode ?? 1);
  const home = await prepareStack();
  remember(home);
  const changed = await up(home);
  await report(home);
  if (!changed) console.log("\nNothing had changed: nothing was built, pushed or run.");
} catch (error) {
  console.error(`start: ${error instanceof UserError ? error.message : firstLine(error)}`);
  process.exit(1);
}
