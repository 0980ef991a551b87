import { oneLine } from "../foreignText.ts";

/** An error of a setting or an argument, on one harmless line: its name, what is allowed, and its value. */
export class ConfigError extends Error {
  override name = "ConfigError";
  /**
   * Marks it as a `RunError` of Pulumi, which is printed without a stack. Not by `extends`, since the SDK is too large
   * for the worker's image.
   */
  readonly __pulumiRunError = true;
  /** The message without the value, if it has one. */
  readonly concealed: string;

  constructor(message: string, concealed = message) {
    super(oneLine(message));
    this.concealed = oneLine(concealed);
  }
}

/** Runs a check of a value that is secret. @throws ConfigError that does not repeat it. */
export function concealing<T>(isSecret: boolean | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw isSecret && error instanceof ConfigError ? new ConfigError(error.concealed) : error;
  }
}

/** Refuses `value` of `key`, in one line. */
export function invalid(key: string, expected: string, value: unknown): never {
  const got = shown(value);
  const wanted = `Expected \`${key}\` to be ${expected}, got`;
  throw new ConfigError(`${wanted} ${got.length > 120 ? `${got.slice(0, 120)}…` : got}.`, `${wanted} something else.`);
}

/** Kind of a value: `Object` for a plain map, `Array`, `Map`, `Generator` … */
export const kindOf = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1);

/** A value in a message. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "object" && value !== null) {
    if ("__pulumiOutput" in value) return "an output";
    if ("__pulumiResource" in value) return "a resource: give one of its outputs";
    if (!["Object", "Array"].includes(kindOf(value))) return `a ${kindOf(value)}`;
  }
  return typeof value === "function" ? "a function" : (JSON.stringify(value, withBigInts) ?? String(value));
}

const withBigInts = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
