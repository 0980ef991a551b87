// Variables of a container that Kubernetes fills in (worker/README.md).
import { ConfigError } from "../config/parse.ts";
import { environmentUrl } from "../queue/index.ts";

/** A variable that must be set. @throws ConfigError */
export function text(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new ConfigError(`Expected ${name} to be set, got nothing.`);
  return value;
}

/** The address of Redis, with its password. @throws ConfigError */
export async function redisUrl(): Promise<string> {
  try {
    return await environmentUrl();
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}
