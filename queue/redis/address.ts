import { lookup } from "node:dns/promises";

/**
 * The address of Redis in a container of a Batch: `WQ_REDIS_URL` with `WQ_REDIS_PASSWORD`. In a cluster without DNS its
 * name does not resolve; `WQ_REDIS_HOST`, the Service's address, takes its place.
 * @throws Error with one line if `WQ_REDIS_URL` is not set, or is no address.
 */
export async function environmentUrl(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { WQ_REDIS_URL, WQ_REDIS_PASSWORD, WQ_REDIS_HOST } = environment;
  if (WQ_REDIS_URL === undefined) throw new Error("Expected WQ_REDIS_URL to be set, got nothing.");
  // Not shown: it may hold a password.
  if (!URL.canParse(WQ_REDIS_URL))
    throw new Error("Expected WQ_REDIS_URL to be a URL like redis://redis:6379, got something else.");
  const url = new URL(WQ_REDIS_URL);
  if (WQ_REDIS_PASSWORD) url.password = encodeURIComponent(WQ_REDIS_PASSWORD);
  if (WQ_REDIS_HOST) await lookup(url.hostname).catch(() => (url.hostname = inUrl(WQ_REDIS_HOST)));
  return url.href;
}

/** An address as URLs hold it: that of IPv6 in brackets. */
const inUrl = (address: string) => (address.includes(":") ? `[${address}]` : address);

/** Host and port of a Redis URL, as sockets take them: an IPv6 address is without brackets. */
export function socketAddress(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
}
