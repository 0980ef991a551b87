// `wq list`: every batch of a Redis.
import { jsonLine } from "../../config/foreignText.ts";
import { QueueAdmin, type QueueSummary } from "../../queue/index.ts";
import { redisCommand, type RedisOptions } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { withRedis } from "../stack/openQueue.ts";
import { countsJson, formatBytes, formatNumber, oneLine } from "../view/format.ts";
import { formatTable } from "../view/table.ts";
import { stateText } from "../view/progressBar.ts";

const HEAD = ["QUEUE", "OWNER", "DONE", "FAILED", "RUNNING", "WAITING", "MEMORY", "STATE"];

function row({ queue, counts, memoryBytes }: QueueSummary): string[] {
  const { owner, done, dead, running, waiting, delayed } = counts;
  return [
    oneLine(queue, 60),
    oneLine(owner, 40) || "-",
    ...[done, dead, running, waiting + delayed].map(formatNumber),
    memoryBytes === undefined ? "-" : formatBytes(memoryBytes),
    oneLine(stateText(counts), 60),
  ];
}

export default redisCommand({
  name: "list",
  description:
    "Shows every batch of a Redis: owner, counts, memory, state. The Redis is that of the stack, or --redis.",
  examples: [
    ["list", "of the stack's Redis"],
    ["list --redis redis://127.0.0.1:6379", "of another"],
    ["list --json | jq .memoryBytes", "one line of JSON per batch"],
  ],
  exitCodes: { [EXIT_OK]: "listed" },
})
  .option("--json", "one line of JSON per batch")
  .action(async (options: RedisOptions & { json?: boolean }) => {
    await withRedis(options, async (redis) => {
      const queues = await QueueAdmin.list(redis);
      if (options.json) {
        for (const { queue, counts, memoryBytes = null } of queues)
          console.log(jsonLine({ queue, ...countsJson(counts), memoryBytes }));
      } else if (queues.length === 0) console.log("There is no batch in this Redis.");
      else console.log(formatTable([HEAD, ...queues.map(row)]).join("\n"));
    });
  });
