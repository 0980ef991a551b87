// The settings that a worker is told, as variables of its environment: `lease` is WQ_LEASE.
import { ConfigError, type Parsed } from "./parse.ts";
import { batchSettings, type Setting } from "./settings.ts";

type Table = typeof batchSettings;
type WorkerKey = { [K in keyof Table]: Table[K] extends { worker: true } ? K : never }[keyof Table];
type HasDefault<S> = S extends { default: string } ? true : false;

/** Settings as the worker uses them: durations in ms, numbers, words. */
export type WorkerSettings = {
  [K in WorkerKey]: HasDefault<Table[K]> extends true
    ? Parsed<Table[K]["parse"]>
    : Parsed<Table[K]["parse"]> | undefined;
};

/** The variable of a setting. */
export const variable = (key: string): string =>
  `WQ_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

/** The settings that the worker is told, in the order of the table. */
export const workerKeys = (Object.entries(batchSettings) as [WorkerKey, Setting][])
  .filter(([, setting]) => setting.worker)
  .map(([key]) => key);

/** The text of a setting's value in the environment. */
export function variableText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * Reads the worker's settings.
 * @param environment A container's variables; one that is absent has the setting's default.
 * @throws ConfigError: one line that names the variable.
 */
export function workerSettings(environment: Record<string, string | undefined>): WorkerSettings {
  const values = workerKeys.map((key) => {
    const setting: Setting = batchSettings[key];
    const text = environment[variable(key)] ?? setting.default;
    return [key, text === undefined ? undefined : read(key, setting, text)];
  });
  return Object.fromEntries(values) as WorkerSettings;
}

function read(key: string, { parse }: Setting, text: string): unknown {
  try {
    return parse(key, parse.structured ? fromJson(text) : text);
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(error.message.replace(`\`${key}\``, variable(key)));
    throw error;
  }
}

/** The value of a JSON text. A text that is none is returned as it is, for the parser to refuse. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
