import { alternate, type Bench, clean, type Figure, figure, quiet, start, text } from "../measure.ts";
import { peers } from "../peers/index.ts";
import { items } from "../peers/peer.ts";

/**
 * The first 500,000 items of 10,000,000 against the first 500,000 of 1,000,000. This shows if the speed depends on the
 * number of waiting items.
 */
export async function size(bench: Bench): Promise<Figure[]> {
  const { redis, client, scale } = bench;
  const count = 500_000 * scale;
  const of = (total: number) => async () => {
    await clean(bench);
    await peers.ours.seed(redis.url, "job2", items(total));
    await quiet(client);
    const speed = await start({ do: "part", url: redis.url, slots: 256, warm: 50_000, count }).answer();
    const done = await peers.ours.done(redis.url, "job2");
    if (done < count) throw new Error(`Redis has ${done} of ${count} items as done`);
    return speed;
  };
  const speed = await alternate({ ...bench, rounds: Math.min(3, bench.rounds) }, "the first 500,000", {
    many: of(10_000_000 * scale),
    few: of(1_000_000 * scale),
  });
  return [
    figure(`items/s, the first ${text(count)} of ${text(10_000_000 * scale)}`, speed.many, "/s", {
      with: `of ${text(1_000_000 * scale)}: ${text(speed.few)}`,
      ratio: speed.many / speed.few,
      floor: 0.9,
      goal: 1,
    }),
  ];
}
