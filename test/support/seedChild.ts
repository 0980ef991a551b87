// node seedChild.ts URL COUNT [iterable|stream|FILE]: seeds `item-00000001` …, or the items of a gzipped file, in a
// process of its own, which can be killed. Prints its peak memory, MiB.
import { setImmediate } from "node:timers/promises";
import v8 from "node:v8";
import { Seeder } from "../../queue/seeder/seeder.ts";
import { fileSource } from "../../seed/sources.ts";

// V8 gives a busy process a larger young generation, which is not to be measured here.
v8.setFlagsFromString("--semi-space-growth-factor=1");

const [, , url, count, kind = "iterable"] = process.argv;

/** As a file would give them: texts made of bytes. (V8 keeps texts made of numbers in a cache.) */
const iterable = {
  *[Symbol.iterator]() {
    const bytes = Buffer.from("item-00000000");
    for (let number = 1; number <= Number(count); number++) {
      let digit = bytes.length - 1;
      for (; bytes[digit] === 57; digit--) bytes[digit] = 48;
      bytes[digit]!++;
      yield bytes.toString("latin1");
    }
  },
};
const stream = {
  async *[Symbol.asyncIterator]() {
    let number = 0;
    for (const item of iterable) {
      if (++number % 1000 === 0) await setImmediate();
      yield item;
    }
  },
};
const source = { iterable, stream }[kind] ?? fileSource(kind, "text");
await new Seeder({ url: url!, queue: "job2" }).seed(source, { owner: "p/s", run: "1", seedId: "job-1" });
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
