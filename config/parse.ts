// Parsers of settings and component arguments: each returns the value as the program uses it, or refuses it in one
// line.
import ms, { type StringValue } from "ms";
import { wrongReplacement } from "./replacements.ts";

/** A setting or an argument that cannot be used: which one, its value, and what is allowed. */
export class ConfigError extends Error {
  override name = "ConfigError";
  /**
   * Marks it as a `RunError` of Pulumi, which is printed without a stack. Not by `extends`, since the SDK is too large
   * for the worker's image.
   */
  readonly __pulumiRunError = true;
  /** The message without the value, where that is in it. */
  readonly concealed: string;

  constructor(message: string, concealed = message) {
    super(message);
    this.concealed = concealed;
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

/** Turns a setting or an argument, a text or a value, into the value that the program uses. @throws ConfigError */
export interface Parser<T = unknown> {
  (key: string, value: unknown): T;
  /** TypeScript type of the argument, for the generated interfaces. */
  type: string;
  /** Written as a list or a map, not as a text. */
  structured: boolean;
  /** Outputs may stand anywhere in a value, or as entries of a map, which are checked one by one. */
  outputs?: "anywhere" | "entries";
}

/** The value that a parser of this type returns. */
export type Parsed<P> = P extends Parser<infer T> ? T : never;

/** Refuses `value` of `key`, in one line. */
export function invalid(key: string, expected: string, value: unknown): never {
  const got = shown(value);
  const wanted = `Expected \`${key}\` to be ${expected}, got`;
  throw new ConfigError(`${wanted} ${got.length > 120 ? `${got.slice(0, 120)}…` : got}.`, `${wanted} something else.`);
}

/** Kind of a value: `Object` for a plain map, `Array`, `Map`, `Generator` … */
const kindOf = (value: unknown) => Object.prototype.toString.call(value).slice(8, -1);

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

/** A parser of this kind; `type` is that of the argument in TypeScript. */
export function parser<T>(type: string, parse: (key: string, value: unknown) => T, structured = false): Parser<T> {
  return Object.assign(parse, { type, structured });
}

function withOutputs<P extends Parser>(outputs: P["outputs"], parse: P): P {
  return Object.assign(parse, { outputs });
}

/** A number, also where it is written as text; NaN for anything else. */
function numeric(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
}

/** Any text. Numbers and flags count as their texts. */
export const text = parser("string", (key, value) => {
  if (!["string", "number", "boolean"].includes(typeof value)) invalid(key, "a text", value);
  return String(value);
});

/** A whole number from `min` up, to `max` where there is one. */
export const integer = (min: number, max = Infinity) =>
  parser("number", (key, value) => {
    const number = numeric(value);
    if (!Number.isSafeInteger(number) || number < min || number > max)
      invalid(key, max === Infinity ? `an integer from ${min} up` : `an integer from ${min} to ${max}`, value);
    return number;
  });

/** A number of pods, or a range of it like `2..100`. */
export const parallelism = parser("number | string", (key, value) => {
  const [, min, max] = (/^(\d+)\.\.(\d+)$/.exec(String(value)) ?? []).map(Number);
  if (min === undefined || max === undefined) {
    const pods = integer(1)(key, value);
    return { min: pods, max: pods };
  }
  if (min < 1 || max < min) invalid(key, "an integer from 1 up, or two of them, the smaller first, like 2..100", value);
  return { min, max };
});

/** A number above or equal to 0. */
export const amount = parser("number", (key, value) => {
  const number = numeric(value);
  if (!Number.isFinite(number) || number < 0) invalid(key, "a number from 0 up", value);
  return number;
});

/** `true` or `false`. */
export const flag = parser("boolean", (key, value) => {
  if (String(value) !== "true" && String(value) !== "false") invalid(key, "true or false", value);
  return String(value) === "true";
});

/** One of some words. */
export const oneOf = <const T extends string>(...words: T[]) =>
  parser("string", (key, value) => {
    if (!words.includes(value as T)) invalid(key, `one of ${words.join(", ")}`, value);
    return value as T;
  });

/** A text like `10s` in ms; NaN for any other. */
function milliseconds(value: unknown): number {
  return typeof value === "string" && /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value) ? ms(value as StringValue) : NaN;
}

/** A duration like `500ms`, `10s`, `5m`, `2h`, `1d`, in ms. */
export const duration = (minMs: number) =>
  parser("string", (key, value) => {
    const time = milliseconds(value);
    if (Number.isNaN(time) || time < minMs)
      invalid(key, `a duration from ${ms(minMs)} up, like 500ms, 10s, 5m, 2h or 1d`, value);
    return Math.round(time);
  });

/** Two durations like `1s..5m`, the shorter first, in ms. */
export const durationRange = parser("string", (key, value) => {
  const parts = typeof value === "string" ? value.split("..").map(milliseconds) : [];
  const [min = NaN, max = NaN] = parts;
  if (parts.length !== 2 || !(min <= max)) invalid(key, "two durations, the shorter first, like 1s..5m", value);
  return { min, max };
});

const UNITS: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity of bytes like `256Mi`, in bytes. */
export const bytes = (min: number) =>
  parser("string", (key, value) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti|)$/.exec(String(value)) ?? [];
    const quantity = Number(number) * (UNITS[unit ?? "?"] ?? NaN);
    if (Number.isNaN(quantity) || quantity < min)
      invalid(key, `a quantity of bytes from ${min / 2 ** 20}Mi up, like 256Mi or 1Gi`, value);
    return quantity;
  });

/** A Kubernetes name: lower-case letters, digits and dashes, at most `max`. */
export const name = (max = 63) =>
  parser("string", (key, value) => {
    const valid = typeof value === "string" && value.length <= max && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value);
    if (!valid) invalid(key, `lower-case letters, digits and dashes, at most ${max} of them`, value);
    return value;
  });

/** A stack with its project. */
export const owner = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^[\w.-]+\/[\w.-]+$/.test(value))
    invalid(key, "a project and a stack, like shop/dev", value);
  return value;
});

/** A queue's name. Braces and spaces would end up in the names of keys that must share one slot. */
export const queueName = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^[\w.:-]{1,100}$/.test(value))
    invalid(key, "at most 100 letters, digits, dots, colons, dashes and underscores", value);
  return value;
});

/** A URL whose user and password are written as they are: keys of Azure and others have `/`, `#` and the like. */
export function withEncodedLogin(url: string): string {
  const [, scheme, login, host] = /^(rediss?:\/\/)(.*)@([^@]*)$/s.exec(url) ?? [];
  if (login === undefined) return url;
  const [user, ...password] = login.split(":");
  const encoded = [user!, password.join(":")].map((part) =>
    part.replaceAll(/%(?![0-9a-f]{2})|[^\w.~!$&'()*+,;=%-]/gi, encodeURIComponent),
  );
  return `${scheme}${encoded.join(":")}@${host}`;
}

/** The address of a Redis. */
export const redisUrl = parser("string", (key, value) => {
  const url = typeof value === "string" ? withEncodedLogin(value.trim()) : "";
  if (!/^rediss?:\/\/[^/\s]+/.test(url) || !URL.canParse(url))
    invalid(key, "a URL like rediss://user:password@host:6380", value);
  return url;
});

/** A range like `1..1000` with both ends included, as it is written. */
export const itemsRange = parser("string", (key, value) => {
  const [, from, to] = (/^(\d+)\.\.(\d+)$/.exec(String(value)) ?? []).map(Number);
  if (from === undefined || to === undefined || !Number.isSafeInteger(to) || from > to)
    invalid(key, "two whole numbers, the smaller first, like 1..1000", value);
  return String(value);
});

/** Platform of a Linux image. */
export const platform = parser("string", (key, value) => {
  if (!/^linux\/(amd64|arm64)$/.test(String(value))) invalid(key, "linux/amd64 or linux/arm64", value);
  return String(value);
});

/** An address to which something is posted. */
export const webhook = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^https?:$/.test(URL.parse(value)?.protocol ?? ""))
    invalid(key, "a URL like https://hooks.example.com/…", value);
  return value;
});

/** A list that {@link file://./items.ts} looks into, item by item. */
export const items = parser("pulumi.Input<string>[]", (_key, value) => value, true);

/** A program with its arguments. */
export const command = parser(
  "pulumi.Input<string>[]",
  (key, value) => {
    const isCommand = Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string");
    if (!isCommand) invalid(key, 'a list of texts like ["python3", "process.py"]', value);
    return value;
  },
  true,
);

/** A command that is run once per item, which may stand in its arguments. */
export const itemCommand = parser(
  command.type,
  (key, value) => {
    const words = command(key, value);
    if (words.length === 1 && /^\S+\s+\S/.test(words[0]!))
      invalid(key, 'a list with an entry for each word, like ["python3", "process.py"]', value);
    const wrong = wrongReplacement(words);
    if (wrong !== undefined) throw new ConfigError(`Expected \`${key}\` to have ${wrong}.`);
    return words;
  },
  true,
);

/** A list whose values only Kubernetes checks. */
export const list = (type: string) =>
  withOutputs(
    "anywhere",
    parser(
      `pulumi.Input<${type}>[]`,
      (key, value) => {
        if (!Array.isArray(value)) invalid(key, "a list", value);
        return value as unknown[];
      },
      true,
    ),
  );

/** True for a plain map. */
export const isMap = (value: unknown): value is Record<string, unknown> =>
  kindOf(value) === "Object" && !("__pulumiResource" in (value as object));

/** A map whose values only Kubernetes checks. */
export const map = (type: string) =>
  withOutputs(
    "anywhere",
    parser(
      type,
      (key, value) => {
        if (!isMap(value)) invalid(key, "a map", value);
        return value;
      },
      true,
    ),
  );

/** A map from names to texts. A bad entry is not repeated, since it may be a secret. */
export const stringMap = withOutputs(
  "entries",
  parser(
    "Record<string, pulumi.Input<string>>",
    (key, value) => {
      if (!isMap(value)) invalid(key, "a map", value);
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([name, entry]) => [name, entryText(`${key}.${name}`, entry)]));
    },
    true,
  ),
);

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels, as Kubernetes takes them. */
export const labels = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      const all = stringMap(key, value);
      const what = "at most 63 letters, digits, dashes, dots and underscores";
      for (const [name, text] of Object.entries(all)) {
        if (!LABEL_NAME.test(name)) invalid(key, `a map of labels, by names of ${what}`, name);
        if (!LABEL_VALUE.test(text)) invalid(`${key}.${name}`, `a label's value, ${what}`, text);
      }
      return all;
    },
    true,
  ),
);

/** Paths in a pod, by what is mounted there. */
export const mountPaths = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      const paths = stringMap(key, value);
      for (const [name, path] of Object.entries(paths))
        if (!path.startsWith("/")) invalid(`${key}.${name}`, "a path in the pod from its root, like /films", path);
      return paths;
    },
    true,
  ),
);

const RESOURCES = "k8s.types.input.core.v1.ResourceRequirements";

/** Requests and limits of a container, which Kubernetes checks; it takes memory without a unit for bytes. */
export const resources = withOutputs(
  "anywhere",
  parser(
    RESOURCES,
    (key, value) => {
      const all = map(RESOURCES)(key, value);
      for (const [kind, amounts] of Object.entries(all)) {
        const { memory } = (amounts ?? {}) as { memory?: unknown };
        if (["string", "number"].includes(typeof memory) && parseFloat(String(memory)) < 2 ** 20)
          if (/^[\d.]+m?$/.test(String(memory)))
            invalid(`${key}.${kind}.memory`, "a quantity with its unit, like 512Mi", memory);
      }
      return all;
    },
    true,
  ),
);

function entryText(key: string, entry: unknown): string {
  if (["string", "number", "boolean"].includes(typeof entry)) return String(entry);
  const got = entry === null || entry === undefined ? "nothing" : Array.isArray(entry) ? "a list" : "a map";
  throw new ConfigError(`Expected \`${key}\` to be a text, got ${got}.`);
}

/** Names of this project: of variables of its programs, and of those that a command has for its item. */
const OWN_VARIABLE = /^(WQ_.*|ITEM|ITEM_ID|ITEM_ATTEMPT)$/;

/** True if a variable's name is this project's. */
export const isOwnVariable = (name: string): boolean => OWN_VARIABLE.test(name);

/** Environment variables. */
export const variables = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      for (const name of isMap(value) ? Object.keys(value) : []) {
        if (!/^[-.\w]+$/.test(name) || /^\d/.test(name))
          invalid(key, "a map of variables, by names of letters, digits, `_`, `-` and `.`", name);
        if (isOwnVariable(name))
          throw new ConfigError(
            `Expected \`${key}\` to leave ${name} alone: the worker reads its own settings from it. Take another name.`,
          );
      }
      return stringMap(key, value);
    },
    true,
  ),
);

/** A certificate, as PEM. */
export const certificate = parser("string", (key, value) => {
  if (typeof value !== "string" || !value.includes("-----BEGIN CERTIFICATE-----"))
    invalid(key, "the text of a certificate, which begins with -----BEGIN CERTIFICATE-----", value);
  return value;
});
