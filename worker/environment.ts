// Reads what a container is told beside the settings (worker/README.md).
import { lookup } from "node:dns/promises";
import { ConfigError } from "../config/parse.ts";

function invalid(name: string, expected: string, value: string | undefined): never {
  const got = value === undefined ? "nothing" : JSON.stringify(value);
  throw new ConfigError(`Expected ${name} to be ${expected}, got ${got}.`);
}

/** A variable that must be set. @throws ConfigError */
export function text(name: string): string {
  const value = process.env[name];
  return value ?? invalid(name, "set", value);
}

/** One of some words. @throws ConfigError */
export function oneOf<const T extends string>(name: string, words: readonly T[], otherwise: T): T {
  const value = process.env[name] ?? otherwise;
  return words.includes(value as T) ? (value as T) : invalid(name, `one of ${words.join(", ")}`, value);
}

/** The address of Redis, with its password. Uses the Service's address where its name does not resolve (a cluster without DNS). */
export async function redisUrl(): Promise<string> {
  let url: URL;
  try {
    url = new URL(text("REDIS_URL"));
  } catch {
    // Not shown: it may hold a password.
    throw new ConfigError(
      "Expected REDIS_URL to be a URL like redis://redis:6379, and what it is cannot be read as one.",
    );
  }
  if (process.env.REDIS_PASSWORD) url.password = encodeURIComponent(process.env.REDIS_PASSWORD);
  const fallback = process.env.REDIS_SERVICE_HOST;
  if (fallback) await lookup(url.hostname).catch(() => (url.hostname = fallback));
  return url.href;
}
