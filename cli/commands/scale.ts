// `wq scale PODS`: another number of workers, while they run.
import { jsonLine } from "../../config/foreignText.ts";
import { InvalidArgumentError } from "commander";
import { redisCommand, type RedisOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { openCluster, preloadCluster } from "../stack/openCluster.ts";
import { foreign, isForeign } from "../stack/openQueue.ts";
import { readBatch } from "../stack/readStack.ts";

function parsePods(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError(`Expected an integer from 1 up; to stop for a while: ${wq("pause")}.`);
  return number;
}

export default redisCommand({
  name: "scale",
  description:
    "Changes the number of worker pods while they run, also while `up` waits. With a range of `parallelism`, this number becomes the maximum. Pods that are removed give back their items, at no cost.",
  examples: [["scale 10", "ten pods"]],
  exitCodes: { [EXIT_OK]: "changed" },
})
  .argument("<pods>", "number of worker pods", parsePods)
  .option("--json", "one line of JSON")
  .action(async (pods: number, options: RedisOptions & { json?: boolean }) => {
    preloadCluster();
    const { batch, location } = await readBatch(options);
    const { workerJob } = batch;
    if (workerJob === undefined) throw new UserError("the batch has no workers: run `pulumi up` with `workers` true");
    const cluster = await openCluster(batch.cluster, batch.namespace, location);
    const { parallelism, ended, owner } = await cluster.job(workerJob);
    if (isForeign(batch, owner)) throw foreign(`the Job ${workerJob}`, owner, batch, cluster);
    if (ended) throw new UserError(`the Job has ended (${ended}): set \`parallelism\` for the next run instead`);
    await cluster.scale(workerJob, pods);
    if (options.json) console.log(jsonLine({ job: workerJob, from: parallelism, to: pods }));
    else
      console.log(
        `From ${parallelism} to ${pods} pods, until a run starts new workers: then \`parallelism\` holds again.`,
      );
  });
