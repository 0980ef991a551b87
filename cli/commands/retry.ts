// `npm run retry`: the failed items again.
import { command, main, type QueueOptions } from "../command.ts";
import { openQueue } from "../stack/openQueue.ts";
import { findStack, pulumi, type StackLocation, stackOutputs } from "../stack/stack.ts";
import { pluralize, textOf } from "../view/format.ts";
import { UserError } from "../errors.ts";

/** The value of a setting, as Pulumi has it. */
async function setting(home: StackLocation, key: string): Promise<string | undefined> {
  const { stdout } = await pulumi(home, ["config", "get", key], { reject: false });
  return String(stdout ?? "").trim() || undefined;
}

/** Where the worker Job is in the stack's state. */
async function workerUrn(home: StackLocation, name: string): Promise<string> {
  const { stdout } = await pulumi(home, ["stack", "export"]);
  const { deployment } = JSON.parse(String(stdout)) as {
    deployment: { resources?: { urn: string; type: string; inputs?: { metadata?: { name?: string } } }[] };
  };
  const job = deployment.resources?.find(
    ({ type, inputs }) => type === "kubernetes:batch/v1:Job" && inputs?.metadata?.name === name,
  );
  if (!job) throw new UserError(`the stack has no Job ${name}: run \`pulumi up\``);
  return job.urn;
}

const program = command({
  name: "retry",
  description:
    "Runs the failed items again, all or those that match, and waits for the end as `pulumi up` does. What is done stays done.",
  examples: [
    ["npm run retry", "all that failed"],
    ["npm run retry -- --match timeout", "those whose reason or text has `timeout` in it"],
  ],
  exitCodes: { 0: "`up` succeeded, or there was nothing to do", 1: "`up` failed" },
})
  .option("-m, --match <text>", "only items whose text or reason has this in it")
  .action(async (options: QueueOptions & { match?: string }) => {
    const home = findStack(options.stack);
    const { workerJob } = await stackOutputs(home);
    if (!workerJob) throw new UserError("the stack has no workers: set `workers` to true and run `pulumi up`");
    const queue = await openQueue(options, home);
    const ids: number[] = [];
    try {
      for await (const { id, payload, reason } of queue.admin.dead()) {
        const hay = `${textOf(payload) ?? ""}\n${reason ?? ""}`;
        if (options.match === undefined || hay.includes(options.match)) ids.push(id);
      }
      const { waiting, delayed } = await queue.admin.counts();
      // What an earlier retry put back, and whose `up` then could not start workers, waits still.
      if (ids.length + waiting + delayed === 0) {
        console.log(options.match === undefined ? "Nothing failed." : `No failed item matches ${options.match}.`);
        return;
      }
      console.log(`Running ${pluralize(ids.length || waiting + delayed, "item")} again.`);
      // All of them is what a new seeding does by itself; some of them are put back here, and only the workers run again.
      if (options.match !== undefined) await queue.admin.requeueDead(ids);
    } finally {
      queue.close();
    }
    const up = ["up", "--yes", "--skip-preview"];
    if (options.match === undefined)
      await pulumi(home, ["config", "set", "retry", String(Number((await setting(home, "retry")) ?? 0) + 1)]);
    else up.push("--replace", await workerUrn(home, workerJob));
    const { exitCode } = await pulumi(home, up, { stdio: "inherit", reject: false });
    process.exitCode = exitCode === 0 ? 0 : 1;
  });
await main(program);
