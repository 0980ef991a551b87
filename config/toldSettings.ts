// The settings that the programs of the image get: each has one variable, WQ_SETTINGS, with the parsed values as JSON.
// A Batch writes it, the program reads it.
import { ConfigError, type Parsed } from "./parse.ts";
import { batchSettings, type BatchSetting, type Program } from "./settings.ts";

type Table = typeof batchSettings;
type Key<P extends Program> = {
  [K in keyof Table]: Table[K] extends { programs: (infer Q)[] } ? (P extends Q ? K : never) : never;
}[keyof Table];
type Value<S> = S extends { parse: infer P; default: object | string }
  ? Parsed<P>
  : S extends { parse: infer P }
    ? Parsed<P> | undefined
    : never;

/** Values that are no settings: the Batch decides them. */
export interface Facts {
  worker: { queue: string; handler?: string; healthPort?: number };
  /** Without items the list is filled by hand. */
  seed: { queue: string; owner?: string; items?: { range: string } | { file: string; format: ItemsFormat } };
  supervisor: {
    queue: string;
    /** The batch's name in messages. */
    name?: string;
    /** True if the batch was seeded from a source of items, before the supervisor starts. */
    isSeeded?: boolean;
    /** The beginning of the workers' time limit, as a date. */
    workersSince?: string;
    /** Digest of the program of `finish`: its command, code and variables. */
    finishDigest?: string;
    /** Bounds of the number of pods, how long they are not needed before they go (ms), and the Job that has them. */
    scale?: { min: number; max: number; idleAfter: number; job: string };
  };
}

/** A line of a file of items: the item as it is, a JSON value as it is written, or a JSON string of the item. */
export type ItemsFormat = "text" | "ndjson" | "strings";

/** Everything that a program is told. */
export type ProgramSettings<P extends Program> = Facts[P] & { [K in Key<P>]: Value<Table[K]> };

/** It changes when older or newer programs cannot read the settings. */
const VERSION = 1;

/** The settings that a program is told. */
export const keysOf = (program: Program): string[] =>
  entries.filter(([, { programs }]) => programs?.includes(program)).map(([key]) => key);
const entries = Object.entries(batchSettings as Record<string, BatchSetting>);

/** The text of WQ_SETTINGS. */
export const settingsText = (values: object): string => JSON.stringify({ version: VERSION, ...values });

/**
 * Reads the settings of a program. If the image is newer than the Batch, the Batch may not know a setting, which then
 * has its default.
 * @param text The value of WQ_SETTINGS.
 * @throws ConfigError: one line.
 */
export function readSettings<P extends Program>(program: P, text = process.env.WQ_SETTINGS): ProgramSettings<P> {
  const { version, ...told } = parsed(text);
  if (version !== VERSION)
    throw new ConfigError(
      `Expected WQ_SETTINGS to be of version ${VERSION}, got ${String(version)}: the image is of another version of job-wq-2 than the Batch; build it anew.`,
    );
  return { ...(defaults() as object), ...told } as ProgramSettings<P>;
}

/** The defaults of the table, parsed. */
export function defaults(): { [K in keyof Table]: Value<Table[K]> } {
  const parsed = entries.map(([key, setting]) => [
    key,
    setting.default === undefined ? undefined : setting.parse(key, setting.default),
  ]);
  return Object.fromEntries(parsed) as { [K in keyof Table]: Value<Table[K]> };
}

function parsed(text: string | undefined): Record<string, unknown> {
  if (text === undefined) throw new ConfigError("Expected WQ_SETTINGS to be set, got nothing.");
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    throw new ConfigError(`Expected WQ_SETTINGS to be JSON, got ${JSON.stringify(text.slice(0, 120))}.`);
  }
}
