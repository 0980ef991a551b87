import { beeQueue } from "./beeQueue.ts";
import { bullmq } from "./bullmq.ts";
import { deployed } from "./deployed.ts";
import { limit } from "./limit.ts";
import { ours } from "./ours.ts";
import { page } from "./page.ts";
import type { Peer } from "./peer.ts";

/** All systems, by the name that a child process gets. */
export const peers = { ours, deployed, limit, bullmq, beeQueue, page } satisfies Record<string, Peer>;

/** A name of {@link peers}. */
export type PeerName = keyof typeof peers;
