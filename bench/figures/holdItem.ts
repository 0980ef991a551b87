import type { QueueSession } from "../../queue/redis/queueSession.ts";
import { encodeDone } from "../../queue/consumer/attempts/outcomeLine.ts";

const RENEW_MS = 2_000;

/** An item in flight for as long as somebody wants. */
export interface HeldItem {
  /** It ends well; the batch with it, where it is the last one. */
  finish(): Promise<void>;
  /** It is left alone. */
  stop(): void;
}

/** Reserves an item and keeps its lease. */
export async function holdItem(session: QueueSession): Promise<HeldItem> {
  await session.load();
  const { reserved } = await session.ackAndReserve({ number: 1, outcomes: [], reserve: 1, exclusive: true });
  const { id } = reserved[0]!;
  const member = `${id}:holder.1`;
  const renewals = setInterval(
    () => void session.renew({ members: [member] }, undefined, false).catch(() => {}),
    RENEW_MS,
  );
  return {
    stop: () => clearInterval(renewals),
    async finish() {
      clearInterval(renewals);
      const line = encodeDone(1, undefined, { maxResultBytes: 100, keepResults: "all" });
      await session.ackAndReserve({ number: 2, outcomes: [{ kind: "done", id, member, line }], reserve: 0 });
    },
  };
}
