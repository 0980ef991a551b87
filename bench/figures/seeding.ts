import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { redisProgram } from "../../test/support/redis.ts";
import { alternate, type Bench, clean, type Figure, figure, measure, text } from "../measure.ts";
import { items, runsOf } from "../peers/peer.ts";

/** Items in one RPUSH, as many as our seeder puts into a chunk of this size of item. */
const CHUNK = 6_900;

/**
 * Items seeded per second, from an array and from the gzipped file that a seed Job gets, until they are on disk;
 * against BullMQ's addBulk and `redis-cli --pipe` fed with RPUSHes as large as our chunks.
 */
export async function seeding(bench: Bench): Promise<Figure[]> {
  const { redis } = bench;
  const many = Math.ceil(10_000_000 * bench.scale);
  const scratch = mkdtempSync(join(tmpdir(), "job-wq-2-bench-"));
  const commands = join(scratch, "commands");
  writeCommands(commands, many);
  const path = join(scratch, "items.gz");
  writeFileSync(path, gzipSync(items(many).join("\n"), { level: 9 }));
  const [program, ...args] = await redisProgram("8", "redis-cli");
  const cli = [...args, "-h", "127.0.0.1", "-p", String(redis.port)];

  /** `redis-cli --pipe`, then the same wait for the disk. */
  const pipe = async () => {
    await clean(bench);
    const started = performance.now();
    const input = openSync(commands, "r");
    const child = spawn(program!, [...cli, "--pipe"], { stdio: [input, "ignore", "inherit"] });
    const [code] = (await once(child, "exit")) as [number];
    closeSync(input);
    if (code !== 0) throw new Error(`redis-cli --pipe ended with ${code}`);
    await bench.client.set("job2:end", ""); // what it waits for are the writes of its own connection
    await bench.client.call("WAITAOF", 1, 0, 0);
    const seconds = (performance.now() - started) / 1000;
    const length = await bench.client.llen("job2");
    if (length !== many) throw new Error(`redis-cli --pipe pushed ${length} of ${many} items`);
    return many / seconds;
  };
  const ours = async () => {
    const speed = await measure(bench, { do: "seed", peer: "ours", url: redis.url, warm: 100_000, count: many });
    const length = await bench.client.llen("job2");
    if (length !== many) throw new Error(`the seeder pushed ${length} of ${many} items`);
    return speed;
  };
  const file = async () => {
    const speed = await measure(bench, { do: "seedFile", url: redis.url, path, warm: 100_000, count: many });
    const length = await bench.client.llen("job2");
    if (length !== many) throw new Error(`the seeder pushed ${length} of ${many} items`);
    return speed;
  };
  const count = Math.ceil(50_000 * bench.scale);
  const bullmq = () => measure(bench, { do: "seed", peer: "bullmq", url: redis.url, warm: 5_000, count });
  try {
    const speed = await alternate(bench, "seeding", { ours, pipe, file, bullmq });
    const against = (who: string, value: number) => ({ with: `${who} ${text(value)}`, ratio: speed.ours / value });
    return [
      figure("seeding, items/s", speed.ours, "/s", { ...against("BullMQ addBulk", speed.bullmq), floor: 40 }),
      figure("seeding, items/s", speed.ours, "/s", { ...against("redis-cli --pipe", speed.pipe), floor: 0.7, goal: 1 }),
      figure("seeding a file, items/s", speed.file, "/s", {
        with: `redis-cli --pipe ${text(speed.pipe)}`,
        ratio: speed.file / speed.pipe,
      }),
    ];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function writeCommands(file: string, count: number): void {
  const output = openSync(file, "w");
  for (const run of runsOf(items(count), CHUNK)) {
    let text = `*${run.length + 2}\r\n$5\r\nRPUSH\r\n$4\r\njob2\r\n`;
    for (const item of run) text += `$${item.length}\r\n${item}\r\n`;
    writeSync(output, text);
  }
  closeSync(output);
}
