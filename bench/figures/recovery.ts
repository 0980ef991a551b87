import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stageWorker } from "../../components/image/buildContext.ts";
import { settingsText } from "../../config/toldSettings.ts";
import { keys } from "../../queue/index.ts";
import { type Bench, clean, type Figure, figure, median } from "../measure.ts";
import { peers } from "../peers/index.ts";
import { items } from "../peers/peer.ts";

/** A worker as it ships: bundled, default settings, the shipped handler, which sleeps. */
function worker(program: string, url: string, queue: string): ChildProcess {
  const env = { WQ_REDIS_URL: url, WQ_SETTINGS: settingsText({ queue, owner: "bench/dev", workSeconds: 60 }) };
  return spawn(process.execPath, [program], {
    stdio: "ignore",
    env: { ...process.env, ...env, WQ_POD: "p", WQ_NODE: "n" },
  });
}

/**
 * Time from the start of a worker's process to its first reservation, and from a `kill -9` of a worker until its item
 * runs again elsewhere.
 */
export async function recovery(bench: Bench): Promise<Figure[]> {
  const { redis, client } = bench;
  await clean(bench);
  const program = join(stageWorker("bench", { handler: "worker/handler.ts", files: undefined }), "code/bin/worker.js");
  const holder = async (queue: string, not?: string): Promise<string> => {
    for (const end = performance.now() + 60_000; performance.now() < end; await sleep(5)) {
      const [member] = await client.zrange(keys(queue).leases, "0", "0");
      if (member && member !== not) return member;
    }
    throw new Error(`no worker took the item of ${queue} for a minute`);
  };

  const starts: number[] = [];
  const returns = Array.from({ length: bench.rounds }, async (_, round) => {
    const queue = `recovery-${round}`;
    await peers.ours.seed(redis.url, queue, items(1));
    await sleep(round * 2_000); // one after the other: a start is measured on a machine that does nothing else
    bench.say(`exec to first reservation, kill -9 to running again, ${round + 1} of ${bench.rounds}`);
    const started = Date.now();
    const first = worker(program, redis.url, queue);
    const held = await holder(queue);
    starts.push(Number(await client.hget(keys(queue).batch, "startedAt")) - started);
    const second = worker(program, redis.url, queue);
    await sleep(1_000); // it is up and waits
    const killed = performance.now();
    first.kill("SIGKILL");
    await holder(queue, held);
    const ms = performance.now() - killed;
    second.kill("SIGKILL");
    return ms;
  });
  const back = median(await Promise.all(returns)) / 1000;
  const start = median(starts);
  return [
    figure("kill -9 to running again, default settings", back, "s", { with: "10 s", ratio: 10 / back, floor: 1 }),
    figure("exec to first reservation", start, "ms", { with: "300 ms", ratio: 300 / start, floor: 1 }),
  ];
}
