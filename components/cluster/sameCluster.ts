// A Batch must be on the cluster of its Redis, since its pods find the Redis by a name of their own cluster.
import type { KubeConfig } from "@kubernetes/client-node";
import { ConfigError } from "../../config/parse.ts";
import { request } from "./request.ts";

/** A connection to a cluster, which may have several addresses. */
interface Connection {
  config: KubeConfig;
}

/** @throws ConfigError if both clusters have an id, and these differ. */
export async function checkSameCluster(
  component: string,
  own: Connection | undefined,
  ofRedis: Connection | undefined,
): Promise<void> {
  if (!own || !ofRedis || serverOf(own) === serverOf(ofRedis)) return;
  const [one, other] = await Promise.all([idOf(own), idOf(ofRedis)]);
  if (one === undefined || other === undefined || one === other) return;
  throw new ConfigError(
    `${component}: it is on the cluster at ${serverOf(own)}, and its Redis on that at ${serverOf(ofRedis)}: give both the same Kubernetes provider.`,
  );
}

const serverOf = ({ config }: Connection) => config.getCurrentCluster()!.server;

/** An id that a cluster keeps for all its life; undefined if it may not be asked. */
async function idOf({ config }: Connection): Promise<string | undefined> {
  const answer = await request(config, "/api/v1/namespaces/kube-system");
  return answer?.code === 200 ? (answer.body as { metadata?: { uid?: string } }).metadata?.uid : undefined;
}
