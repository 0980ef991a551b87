// Variables of a container that are not settings (worker/README.md).
import { ConfigError } from "../config/parse.ts";
import { environmentUrl } from "../queue/index.ts";

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

/** The address of Redis, with its password. @throws ConfigError */
export async function redisUrl(): Promise<string> {
  try {
    return await environmentUrl();
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}
