// The line of `pulumi preview` about the items: how the queue would change.
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { forwardPort } from "../../kube/portForward.ts";
import { REDIS_PORT } from "../../config/ports.ts";
import { type Cluster, known } from "../cluster/client.ts";
import { willRun } from "../cluster/liveJobs.ts";
import type { Redis } from "../redis/redis.ts";
import type { RedisReference } from "../redis/reference.ts";
import type { Known } from "../types.ts";
import type { BatchItems } from "./items.ts";
import type { Left } from "./lifecycle.ts";

/** Both sides of the comparison. */
export interface ItemsPreviewArgs {
  /** The seed Job: the preview says something only if this will run again. */
  seed: k8s.batch.v1.Job;
  /** State that an earlier `up` left. */
  left: pulumi.Output<Left>;
  items: BatchItems;
  run: Known<string>;
  queue: string;
  owner: string;
  redis: Redis;
  cluster: Promise<Cluster | undefined>;
}

/** Known values of it. */
interface Compared {
  items: BatchItems;
  run: string;
  reference: RedisReference;
}

/** A preview does not wait longer, ms. */
const PATIENCE_MS = 10_000;

/**
 * In a preview, logs one line on the Batch: how many items are new, removed, done, and to be retried. Says nothing
 * if nothing is seeded, or the queue cannot be asked: it may not be there yet, or be a Redis of the user's own.
 */
export function previewItems(batch: pulumi.ComponentResource, args: ItemsPreviewArgs): void {
  if (!pulumi.runtime.isDryRun()) return;
  // Otherwise Pulumi may end before the line is printed.
  const done = pulumi.runtime.rpcKeepAlive();
  lineOf(args)
    // By now the Batch is registered: a message about an unregistered resource would hold up all later messages.
    .then((line) => (line === undefined ? undefined : pulumi.log.info(line, batch)))
    .catch(() => {}) // a preview works without this line, too
    .finally(done);
}

async function lineOf(args: ItemsPreviewArgs): Promise<string | undefined> {
  const { seed, items, run, redis } = args;
  if (!willRun(await known(seed.metadata), (await known(args.left))?.jobs.seed)) return undefined;
  const compared = await known<Compared>(pulumi.output({ items, run, reference: redis.reference }));
  const cluster = await args.cluster;
  const change = compared && cluster && (await ask(cluster, args, compared));
  if (!change) return undefined;
  const counts = { new: change.added, removed: change.removed, done: change.kept, "to be retried": change.requeued };
  const parts = Object.entries(counts).map(([what, count]) => `${count.toLocaleString("en-US")} ${what}`);
  return `items: ${parts.join(", ")}`;
}

/** Compares the items with those of the queue. @throws Error if it cannot be reached in time. */
async function ask(cluster: Cluster, { queue, owner }: ItemsPreviewArgs, { items, run, reference }: Compared) {
  const { pod, namespace } = reference.location;
  if (pod === undefined) return undefined;
  // Loaded late: most previews do not need them.
  const { connect, previewSeeding } = await import("../../queue/index.ts");
  const { bytesSource, rangeSource } = await import("../../seed/sources.ts");
  const url = new URL(reference.url);
  const forward = await forwardPort(cluster.config, { namespace, pod, port: REDIS_PORT });
  const atEnd = [forward.close];
  const close = () => atEnd.forEach((end) => end());
  const timer = setTimeout(close, PATIENCE_MS);
  try {
    [url.hostname, url.port] = ["127.0.0.1", String(forward.port)];
    const client = await connect(url.href, PATIENCE_MS);
    atEnd.push(() => client.disconnect());
    const source =
      items.kind === "range"
        ? rangeSource(items.range as string)
        : bytesSource(Buffer.from(items.base64 as string, "base64"), items.format as "text" | "ndjson" | "strings");
    return await previewSeeding(client, queue, source, { owner, run });
  } finally {
    clearTimeout(timer);
    close();
  }
}
