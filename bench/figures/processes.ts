import { keys } from "../../queue/index.ts";
import { type Bench, clean, type Figure, figure, median, start } from "../measure.ts";
import { peers } from "../peers/index.ts";
import { items } from "../peers/peer.ts";

/** Items per second of four processes with 32 slots each, on one list. */
export async function processes(bench: Bench): Promise<Figure[]> {
  const { redis, client } = bench;
  const count = 300_000 * bench.scale;
  const speeds: number[] = [];
  for (let round = 1; round <= bench.rounds; round++) {
    bench.say(`4 processes × 32 slots, ${round} of ${bench.rounds}`);
    await clean(bench);
    const four = Array.from({ length: 4 }, () => start({ do: "share", url: redis.url, slots: 32, warm: 20_000 }));
    await Promise.all(four.map(({ answer }) => answer()));
    await peers.ours.seed(redis.url, "job2", items(count));
    const answers = four.map(({ child, answer }) => {
      child.send("go");
      return answer();
    });
    const counted = (await Promise.all(answers)).reduce((sum, one) => sum + one, 0);
    const done = await client.hlen(keys("job2").results);
    if (counted !== count || done !== count)
      throw new Error(`4 processes counted ${counted}, Redis ${done} of ${count}`);
    const [startedAt, endedAt] = await client.hmget(keys("job2").batch, "startedAt", "endedAt");
    speeds.push((count / (Number(endedAt) - Number(startedAt))) * 1000);
  }
  return [figure("items/s, 4 processes × 32 slots", median(speeds), "/s")];
}
