import { setTimeout as sleep } from "node:timers/promises";
import { type Bench, clean, type Figure, figure, median, start } from "../measure.ts";
import { openSession } from "../peers/idleFleet.ts";
import { holdItem } from "./holdItem.ts";

const WORKERS = 100;
const SETTLE_MS = 3_000;

/** Time from the end of the last item until all of 100 idle workers know that the batch is over. */
export async function tail(bench: Bench): Promise<Figure[]> {
  const { redis, client } = bench;
  const times: number[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`the end of a batch for ${WORKERS} workers, ${round} of ${bench.rounds}`);
    await clean(bench);
    await client.rpush("job2", "long");
    const holder = await holdItem(await openSession(redis.url, "holder"));
    const { child, answer } = start({ do: "idle", peer: "ours", url: redis.url, count: WORKERS });
    await answer();
    await sleep(SETTLE_MS);
    const told = answer();
    const endedAt = Date.now();
    await holder.finish();
    times.push((await told) - endedAt);
    child.kill();
  }
  return [figure(`from the last item's end until ${WORKERS} workers know`, median(times), "ms")];
}
