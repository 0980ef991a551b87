// Reads what a container is told (worker/README.md).
import { lookup } from "node:dns/promises";

/** Exit codes of the three programs. */
export const exitCodes = { usage: 64, load: 65, redis: 69, unexpected: 70, terminated: 143 } as const;

/** Ends a program with its reason as the last line, which is what Kubernetes and `pulumi up` show. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const bad = (name: string, expected: string, value: string | undefined) =>
  new Exit(
    exitCodes.usage,
    `Expected ${name} to be ${expected}, got ${value === undefined ? "nothing" : JSON.stringify(value)}.`,
  );

/** A variable that must be there. */
export function text(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw bad(name, "set", value);
  return value;
}

/** A whole number from `min` on, or the default where the variable is absent. */
export function whole(name: string, min: number, otherwise?: number): number {
  const value = process.env[name];
  if (value === undefined && otherwise !== undefined) return otherwise;
  const number = Number(value);
  if (value === undefined || value === "" || !Number.isSafeInteger(number) || number < min)
    throw bad(name, `an integer from ${min} up`, value);
  return number;
}

/** One of some words. */
export function oneOf<const T extends string>(name: string, words: readonly T[], otherwise: T): T {
  const value = process.env[name] ?? otherwise;
  if (!words.includes(value as T)) throw bad(name, `one of ${words.join(", ")}`, value);
  return value as T;
}

/** An array of strings in JSON, or undefined where the variable is absent. */
export function words(name: string): string[] | undefined {
  const value = process.env[name];
  if (value === undefined) return undefined;
  try {
    const list: unknown = JSON.parse(value);
    if (Array.isArray(list) && list.length > 0 && list.every((word) => typeof word === "string")) return list;
  } catch {
    // said below
  }
  throw bad(name, "a JSON array of strings", value);
}

/** Where Redis is, with its password. Uses the Service's address where its name does not resolve (a cluster without DNS). */
export async function redisUrl(): Promise<string> {
  let url: URL;
  try {
    url = new URL(text("REDIS_URL"));
  } catch {
    // Not shown: it may hold a password.
    throw new Exit(
      exitCodes.usage,
      "Expected REDIS_URL to be a URL like redis://redis:6379, and what it is cannot be read as one.",
    );
  }
  if (process.env.REDIS_PASSWORD) url.password = encodeURIComponent(process.env.REDIS_PASSWORD);
  const fallback = process.env.REDIS_SERVICE_HOST;
  if (fallback) await lookup(url.hostname).catch(() => (url.hostname = fallback));
  return url.href;
}

/** Runs a program's main; what it throws becomes the last line and the exit code. */
export async function main(program: () => Promise<number>): Promise<never> {
  let code: number;
  try {
    code = await program();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const away = /Redis/.test(message) ? exitCodes.redis : exitCodes.unexpected;
    code = error instanceof Exit ? error.code : away;
    console.error(message.split("\n")[0]);
  }
  // Standard output may be a pipe: what was printed gets out before the end.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(code);
}
