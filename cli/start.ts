// `npm start`: the local platform, the stack `dev` on it, and what its workers did.
import { createInterface } from "node:readline";
import { execa } from "execa";
import { prepareStack, script } from "./home.ts";
import { watchProgress } from "./progress.ts";
import { pulumi, remember, type StackHome, stackOutputs } from "./stack.ts";
import { firstLine, Trouble } from "./trouble.ts";

/** Items that are listed; the rest is counted. */
const LISTED = 20;

/** Steps of Pulumi that are done, and what it has to say at the end; what it has only begun is left out. */
const worthShowing = (line: string) =>
  !/^@ |^\s*$|\b(creating|updating|deleting|replacing)\b|warning: using pulumi-l/.test(line);

/** `pulumi up`, line by line as it goes, with the bar of `npm run status` while the workers work. @returns Whether it changed anything. */
async function up(home: StackHome): Promise<boolean> {
  const done = new AbortController();
  const bar = watchProgress(home, { signal: done.signal, stream: process.stdout });
  const run = pulumi(
    home,
    ["up", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", "--color=never"],
    {
      reject: false,
      all: true,
      buffer: true,
    },
  );
  for await (const line of createInterface({ input: run.all! })) if (worthShowing(line)) console.log(line);
  const { exitCode, all } = await run;
  done.abort();
  await bar;
  if (exitCode !== 0)
    throw new Trouble("`pulumi up` failed: see above; `npm run status` and `npm run failed` say more");
  return !/^Resources:\n\s+\d+ unchanged\n/m.test(String(all));
}

/** The pods' own words, as `kubectl logs` prints them on the Kubernetes page: which pod worked on what. */
async function report(home: StackHome): Promise<void> {
  const { namespace, workerJob } = await stackOutputs(home);
  const kubectl = (...args: string[]) => execa("kubectl", ["-n", namespace, ...args], { env: home.env });
  const logs = ["logs", "--prefix", "--tail=-1", "--max-log-requests=50", "-l"];
  if (workerJob) {
    const { stdout } = await kubectl(...logs, `job-name=${workerJob}`);
    const worked = [...stdout.matchAll(/^\[pod\/(\S+)\/c\] Working on (.*)$/gm)];
    console.log("\nWhat the workers did:");
    for (const [, pod, item] of worked.slice(0, LISTED)) console.log(`  ${pod}  ${item}`);
    if (worked.length > LISTED) console.log(`  and ${worked.length - LISTED} more`);
    const { stdout: verdict } = await kubectl(...logs, `job-name=${workerJob}-verdict`);
    if (verdict) console.log(verdict.replace(/^\[\S+\] /, "Verdict: "));
  }
  console.log(`
Look further:
  npm run status                          where the batch stands
  npm run results                         every item with its result
  eval "$(npm run -s platform env)"       then, as on the Kubernetes page:
  kubectl describe jobs/${workerJob ?? "job-wq-2"}
  kubectl logs -l job-name=${workerJob ?? "job-wq-2"} --prefix
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
  console.error(`start: ${error instanceof Trouble ? error.message : firstLine(error)}`);
  process.exit(1);
}
