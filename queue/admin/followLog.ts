import type { Redis } from "ioredis";
import { logChannel } from "../redis/keys.ts";
import { dated } from "../redis/record.ts";
import type { LogLine } from "../types.ts";

/** Subscribes, on a connection of its own, to what items log. @returns How to end that. */
export async function followLog(redis: Redis, queue: string, onLine: (line: LogLine) => void): Promise<() => void> {
  const subscriber = redis.duplicate({ lazyConnect: true, enableOfflineQueue: true });
  subscriber.on("error", () => {}); // it connects and subscribes again by itself
  subscriber.on("message", (_, message: string) => {
    for (const line of linesOf(message)) onLine(line);
  });
  try {
    await subscriber.subscribe(logChannel(queue));
  } catch (error) {
    subscriber.disconnect();
    throw error;
  }
  return () => subscriber.disconnect();
}

/** Everybody who may publish to the channel may publish anything: lines of other programs are left out. */
function linesOf(message: string): LogLine[] {
  try {
    const lines = JSON.parse(message) as unknown;
    return Array.isArray(lines) ? lines.filter(isLine) : [];
  } catch {
    return [];
  }
}

function isLine(line: Partial<LogLine> | null): line is LogLine {
  const texts = [line?.item, line?.pod, line?.line];
  return (
    texts.every((text) => typeof text === "string") && Number.isFinite(line?.id) && dated(Number(line?.at)) === line?.at
  );
}
