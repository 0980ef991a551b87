// `wq scale PODS`: another number of workers, while they run.
import { jsonLine } from "../../config/foreignText.ts";
import { InvalidArgumentError } from "commander";
import { redisCommand, type RedisOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { preloadCluster } from "../stack/openCluster.ts";
import { batchWithWorkers, scaleWorkers } from "../stack/workers.ts";

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
    if (options.redis !== undefined)
      throw new UserError(
        "a Redis without a stack has no workers to scale: give --stack NAME, or leave out --redis and WQ_REDIS_URL",
      );
    preloadCluster();
    const { job, from } = await scaleWorkers(await batchWithWorkers(options), pods);
    if (options.json) console.log(jsonLine({ job, from, to: pods }));
    else console.log(`From ${from} to ${pods} pods, until a run starts new workers: then \`parallelism\` holds again.`);
  });
