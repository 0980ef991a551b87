import { lookup } from "node:dns/promises";

/**
 * The address of Redis in a container of a Batch, with its password, from `REDIS_URL`, `REDIS_PASSWORD` and
 * `REDIS_SERVICE_HOST`. The last one, the Service's address, is used where the name does not resolve (a cluster without
 * DNS).
 * @throws Error with one line where `REDIS_URL` is none.
 */
export async function environmentUrl(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { REDIS_URL, REDIS_PASSWORD, REDIS_SERVICE_HOST } = environment;
  if (REDIS_URL === undefined) throw new Error("Expected REDIS_URL to be set, got nothing.");
  // Not shown: it may hold a password.
  if (!URL.canParse(REDIS_URL))
    throw new Error("Expected REDIS_URL to be a URL like redis://redis:6379, and what it is cannot be read as one.");
  const url = new URL(REDIS_URL);
  if (REDIS_PASSWORD) url.password = encodeURIComponent(REDIS_PASSWORD);
  if (REDIS_SERVICE_HOST) await lookup(url.hostname).catch(() => (url.hostname = REDIS_SERVICE_HOST));
  return url.href;
}
