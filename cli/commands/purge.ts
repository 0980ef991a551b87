// `wq purge QUEUE`: deletes a batch from Redis.
import { jsonLine } from "../../config/foreignText.ts";
import { QueueAdmin } from "../../queue/index.ts";
import { redisCommand, type RedisOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { withRedis } from "../stack/openQueue.ts";
import { oneLine, pluralize } from "../view/format.ts";

export default redisCommand({
  name: "purge",
  description:
    "Deletes a batch from Redis: items, results, logs, and the record of what is done. Nothing brings them back. Refuses while items are in flight.",
  examples: [
    ["purge thumbs", "the batch that a destroyed stack left in a shared Redis"],
    ["purge thumbs --force", "even while its items are in flight"],
  ],
  exitCodes: { [EXIT_OK]: "deleted" },
})
  .argument("<queue>", `the queue's name, as \`${wq("list")}\` shows it`)
  .option("--force", "even while items are in flight, or the batch is being seeded")
  .option("--json", "one line of JSON")
  .action(async (queue: string, options: RedisOptions & { force?: boolean; json?: boolean }) => {
    await withRedis(options, async (redis) => {
      const result = await new QueueAdmin(redis, queue).purge({ force: options.force });
      if (result.outcome === "unknown") {
        const names = (await QueueAdmin.list(redis)).map((summary) => summary.queue).join(", ");
        throw new UserError(`this Redis has no batch ${queue}; it has ${names || "none"}`);
      }
      if (result.outcome === "inUse") {
        const why = result.seeding ? "items are being put into it" : `${pluralize(result.running, "item")} in flight`;
        throw new UserError(`${queue} is in use (${why}): stop its workers first, or give --force`);
      }
      const { items } = result;
      console.log(
        options.json ? jsonLine({ queue, items }) : `Deleted ${oneLine(queue)}: ${pluralize(items, "item")}.`,
      );
    });
  });
