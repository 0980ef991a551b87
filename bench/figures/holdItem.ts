import type { QueueSession } from "../../queue/redis/queueSession.ts";
import { encodeDone } from "../../queue/consumer/attempts/outcomeLine.ts";

const RENEW_MS = 2_000;

/** An item that stays in flight until one of these is called. */
export interface HeldItem {
  /** Records it as done, which ends the batch if it is the last item. */
  finish(): Promise<void>;
  /** Renews its lease no more. */
  stop(): void;
}

/** Reserves an item and keeps its lease. */
export async function holdItem(session: QueueSession): Promise<HeldItem> {
  await session.load();
  const { reserved } = await session.ackAndReserve({ number: 1, outcomes: [], reserve: 1, exclusive: true });
  const { id } = reserved[0]!;
  const member = `${id}:holder.1`;
  const renewals = setInterval(() => void session.renew({ members: [member] }, undefined).catch(() => {}), RENEW_MS);
  return {
    stop: () => clearInterval(renewals),
    async finish() {
      clearInterval(renewals);
      const line = encodeDone(1, undefined, { maxResultBytes: 100, keepResults: "all" });
      await session.ackAndReserve({ number: 2, outcomes: [{ kind: "done", id, member, line }], reserve: 0 });
    },
  };
}
