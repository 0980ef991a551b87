import type { Redis } from "ioredis";
import { logChannel } from "../redis/keys.ts";
import type { LogLine } from "../types.ts";

/** Subscribes, on a connection of its own, to what items log. @returns How to end that. */
export async function followLog(redis: Redis, queue: string, onLine: (line: LogLine) => void): Promise<() => void> {
  const subscriber = redis.duplicate({ lazyConnect: true, enableOfflineQueue: true });
  subscriber.on("error", () => {}); // it connects and subscribes again by itself
  subscriber.on("message", (_, message: string) => {
    if (message !== "") for (const line of JSON.parse(message) as LogLine[]) onLine(line);
  });
  try {
    await subscriber.subscribe(logChannel(queue));
  } catch (error) {
    subscriber.disconnect();
    throw error;
  }
  return () => subscriber.disconnect();
}
