import { createHash } from "node:crypto";
import { connect as dial } from "node:net";
import { MAX_PREFETCH } from "../../queue/consumer/prefetch.ts";
import { connect } from "../../queue/index.ts";
import { encodeRequest } from "../../queue/redis/ackAndReserve.ts";
import type { Outcome } from "../../queue/redis/callContent.ts";
import { keyList } from "../../queue/redis/keys.ts";
import { readScript } from "../../queue/redis/script.ts";
import { ours } from "./ours.ts";
import type { Peer } from "./peer.ts";

const script = readScript("ack-and-reserve");
const sha = createHash("sha1").update(script).digest("hex");
const OK = "$2\r\nok\r\n";

/** Calls in flight at a time. */
const LANES = 2;
/** Items of each call: the calls in flight share the slots and the items ahead. */
const sizeFor = (slots: number) => Math.ceil((slots + MAX_PREFETCH) / LANES);

function resp(parts: (string | number)[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${String(part).length}\r\n${part}\r\n`;
  return text;
}

/**
 * The limit: the calls that a consumer with this many slots makes, written beforehand. The client that sends them only
 * counts answers. Nobody else takes items, so the ids are known: the first call gets 1 to n, the next one the n after
 * that.
 */
function preparedCalls(queue: string, slots: number, count: number): Buffer[] {
  const size = sizeFor(slots);
  const all: Buffer[] = [];
  const last = Math.ceil(count / size);
  for (let number = 1; number <= last + LANES + 1; number++) {
    const outcomes: Outcome[] = [];
    const of = number - LANES;
    for (let id = (of - 1) * size + 1; of > 0 && id <= Math.min(of * size, count); id++) {
      outcomes.push({ kind: "done", id, member: `${id}:sessionlimit.${of}`, line: "d0\n" });
    }
    const keys = keyList(queue);
    const request = {
      session: "sessionlimit",
      number,
      outcomes,
      reserve: size,
      largest: 12,
      lease: 10_000,
      maxLosses: 3,
    };
    all.push(Buffer.from(resp(["EVALSHA", sha, keys.length, ...keys, encodeRequest(request)]), "latin1"));
  }
  return all;
}

export const limit: Peer = {
  ...ours,
  name: "limit",

  async drain(url, queue, slots, count) {
    const redis = await connect(url);
    await redis.script("LOAD", script);
    redis.disconnect();
    const all = preparedCalls(queue, slots, count);
    const socket = dial(Number(new URL(url).port), "127.0.0.1").setNoDelay(true);
    let sent = 0;
    const next = () => void (sent < all.length && socket.write(all[sent++]!));
    const started = performance.now();
    for (let lane = 0; lane < LANES; lane++) next();
    await new Promise<void>((resolve, reject) => {
      let rest = "";
      socket.on("error", reject);
      socket.on("data", (data) => {
        const text = rest + data.toString("latin1");
        if (text.includes("finished")) return resolve();
        if (text.startsWith("-")) return reject(new Error(text));
        let at = 0;
        for (let found; (found = text.indexOf(OK, at)) >= 0; at = found + OK.length) next();
        rest = text.slice(Math.max(at, text.length - OK.length + 1));
      });
    });
    const ms = performance.now() - started;
    socket.destroy();
    return { count, ms };
  },
};
