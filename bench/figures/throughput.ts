import { alternate, type Bench, type Figure, figure, measure, text } from "../measure.ts";
import { type PeerName, peers } from "../peers/index.ts";

/** Number of items of a measurement, which takes about a second: by slots, then by peer. */
const counts: Record<number, Record<PeerName, number>> = {
  1: { ours: 150_000, deployed: 20_000, limit: 150_000, bullmq: 6_000, beeQueue: 6_000, page: 3_000 },
  32: { ours: 150_000, deployed: 100_000, limit: 200_000, bullmq: 20_000, beeQueue: 15_000, page: 10_000 },
  256: { ours: 300_000, deployed: 150_000, limit: 300_000, bullmq: 20_000, beeQueue: 15_000, page: 10_000 },
};

/** Floors against BullMQ of the worker as it is deployed, with its handler in a process of its own. */
const wantedDeployed: Record<number, { floor?: number }> = { 1: {}, 32: { floor: 3 }, 256: { floor: 3 } };

/** Floors and goals against BullMQ. At 256 slots, the best result of BullMQ at any number of slots counts. */
const wanted: Record<number, { floor: number; goal?: number }> = {
  1: { floor: 2, goal: 2.5 },
  32: { floor: 5, goal: 8 },
  256: { floor: 6 },
};

/** Items per second of one process with 1, 32 and 256 slots, a handler that does nothing, results kept. */
export async function throughput(bench: Bench): Promise<Figure[]> {
  const figures: Figure[] = [];
  let best = 0;
  for (const slots of [1, 32, 256]) {
    const one = (peer: PeerName) => () => {
      const count = Math.ceil(counts[slots]![peer] * bench.scale);
      const warm = Math.ceil(count / 3);
      return measure(bench, { do: "drain", peer, url: bench.redis.url, slots, warm, count });
    };
    const names = Object.keys(peers) as PeerName[];
    const all = Object.fromEntries(names.map((name) => [name, one(name)])) as Record<PeerName, () => Promise<number>>;
    const speed = await alternate(bench, `${slots} slots`, all);
    best = Math.max(best, speed.bullmq);
    const rival = slots === 256 ? best : speed.bullmq;
    const name = `items/s, ${slots} slot${slots > 1 ? "s" : ""}`;
    const against = (who: string, value: number) => ({ with: `${who} ${text(value)}`, ratio: speed.ours / value });
    figures.push(
      figure(name, speed.ours, "/s", {
        ...against(slots === 256 ? "BullMQ's best" : "BullMQ", rival),
        ...wanted[slots],
      }),
      figure(`${name}, as deployed`, speed.deployed, "/s", {
        with: `BullMQ ${text(rival)}`,
        ratio: speed.deployed / rival,
        ...wantedDeployed[slots],
      }),
      figure(name, speed.ours, "/s", against("bee-queue", speed.beeQueue)),
      figure(name, speed.ours, "/s", against("the page's commands", speed.page)),
      figure(name, speed.ours, "/s", {
        ...against("the limit", speed.limit),
        ...(slots === 256 && { goal: 0.7 }),
      }),
    );
  }
  return figures;
}
