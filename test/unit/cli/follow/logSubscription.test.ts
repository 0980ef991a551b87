import assert from "node:assert/strict";
import { LogSubscription } from "../../../../cli/follow/logSubscription.ts";
import type { OpenQueue } from "../../../../cli/stack/openQueue.ts";
import type { LogLine } from "../../../../queue/index.ts";

describe("a subscription to logs", () => {
  it("moves to a new connection, and tries again if that fails", async () => {
    const heard: string[] = [];
    const following = new Set<string>();
    const way = (name: string, fails = 0) => {
      const followLog = async (onLine: (line: LogLine) => void) => {
        if (fails-- > 0) throw new Error("Redis is away");
        following.add(name);
        onLine({ line: name } as LogLine);
        return () => following.delete(name);
      };
      return { admin: { followLog } } as unknown as OpenQueue;
    };
    const [old, anew] = [way("old"), way("new", 1)];
    const subscription = new LogSubscription(({ line }) => heard.push(line));
    await subscription.renew(old);
    await subscription.renew(old);
    await assert.rejects(subscription.renew(anew), /^Error: Redis is away$/);
    await subscription.renew(anew);
    assert.deepEqual([heard, [...following]], [["old", "new"], ["new"]]);
    subscription.end();
    assert.deepEqual([...following], []);
  });
});
