// `npm run scale -- N`: another number of workers, while they run.
import { InvalidArgumentError } from "commander";
import { Cluster } from "../stack/cluster.ts";
import { command, main, type QueueOptions } from "../command.ts";
import { findStack, stackOutputs } from "../stack/stack.ts";
import { UserError } from "../errors.ts";

const pods = (text: string): number => {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError("Expected an integer from 1 up; to stop for a while: npm run pause.");
  return number;
};

const program = command({
  name: "scale",
  description:
    "Changes the number of worker pods while they run, also while `up` waits. Pods that go give back what they have in hand, at no cost to the item.",
  examples: [["npm run scale -- 10", "ten pods"]],
  exitCodes: { 0: "changed" },
})
  .argument("<pods>", "how many", pods)
  .action(async (parallelism: number, options: QueueOptions) => {
    const home = findStack(options.stack);
    const outputs = await stackOutputs(home);
    if (!outputs.workerJob) throw new UserError("the stack has no workers: set `workers` to true and run `pulumi up`");
    const cluster = new Cluster(outputs, home.env.KUBECONFIG);
    const job = await cluster.job(outputs.workerJob);
    if (job.ended)
      throw new UserError(`the Job has ended (${job.ended}): set \`parallelism\` for the next run instead`);
    await cluster.scale(outputs.workerJob, parallelism);
    console.log(
      `From ${job.parallelism} to ${parallelism} pods. For the next \`up\` the setting counts: pulumi config set parallelism ${parallelism} replaces the Job, then or while it runs.`,
    );
  });
await main(program);
