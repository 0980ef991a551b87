import { type Bench, clean, type Figure, figure, text } from "../measure.ts";
import { type PeerName, peers } from "../peers/index.ts";
import { items, runsOf } from "../peers/peer.ts";

/** Bytes in Redis per item that waits and per item that is done. Redis counts them, so once is enough. */
export async function memory(bench: Bench): Promise<Figure[]> {
  const { client, redis } = bench;
  const waiting = 1_000_000 * bench.scale;
  const done = 50_000 * bench.scale;

  const used = async () => Number(/used_memory_dataset:(\d+)/.exec(await client.info("memory"))![1]);
  const grown = async (what: string, count: number, fill: () => Promise<void>) => {
    bench.say(`memory, ${what}`);
    await clean(bench);
    const before = await used();
    await fill();
    return ((await used()) - before) / count;
  };
  const seeded = (peer: PeerName, count: number) => () => peers[peer].seed(redis.url, "job2", items(count));
  const drained = (peer: PeerName) => async () => {
    await peers[peer].seed(redis.url, "job2", items(done));
    await peers[peer].drain(redis.url, "job2", 32, done);
  };

  const list = await grown("a plain list", waiting, async () => {
    for (const run of runsOf(items(waiting), 1_000)) await client.rpush("list", ...run);
  });
  const ours = await grown("waiting", waiting, seeded("ours", waiting));
  const bullmq = await grown("waiting, BullMQ", done, seeded("bullmq", done));
  const oursDone = await grown("done", done, drained("ours"));
  const bullmqDone = await grown("done, BullMQ", done, drained("bullmq"));
  const against = (who: string, value: number, ours: number) => ({
    with: `${who} ${text(value)}`,
    ratio: value / ours,
  });
  return [
    figure("bytes per waiting item", ours, "B", { ...against("a plain list", list, ours), floor: 1 / 1.1 }),
    figure("bytes per waiting item", ours, "B", against("BullMQ", bullmq, ours)),
    figure("bytes per done item", oursDone, "B", { ...against("BullMQ", bullmqDone, oursDone), floor: 3 }),
  ];
}
