import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { InvalidArgumentError } from "commander";
import { parse } from "yaml";
import { MAX_FILES_BYTES } from "../../config/configMap.ts";
import { concealing } from "../../config/parse.ts";
import { batchSettings, imageSettings, objectSettings, redisSettings, type Setting } from "../../config/settings.ts";
import { firstLine, UserError } from "../errors.ts";

/** Options of `wq run`. */
export interface RunOptions {
  jobs: string;
  image?: string;
  entrypoint?: boolean;
  handler?: string;
  files?: string;
  requirements?: string;
  namespace?: string;
  context?: string;
  cpu?: string;
  memory?: string;
  gpu?: number;
  env?: string[];
  secretEnv?: string[];
  redis?: string;
  pod?: string;
  timeout?: string;
  retries?: number;
  halt?: string;
  joblog?: string;
  resumeFailed?: boolean;
  results?: string;
  ordered?: boolean;
  eta?: boolean;
  dryRun?: boolean;
  keep?: boolean;
  attach?: string;
  list?: boolean;
  json?: boolean;
  argFile?: string;
  null?: boolean;
}

/** Number of items that may fail before the next failure ends the run: by `soon,fail=10%` or `now,fail=3`. */
export function maxFailures(halt: string, items: number): number {
  const [, count, isShare] = /^(?:soon|now),fail=(\d+)(%?)$/.exec(halt)!;
  return (isShare ? Math.ceil((items * Number(count)) / 100) : Number(count)) - 1;
}

export function parseHalt(text: string): string {
  if (/^(?:soon|now),fail=[1-9]\d*%?$/.test(text)) return text;
  throw new InvalidArgumentError("Expected soon,fail=3 or soon,fail=10%.");
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Expected an integer from 1 up.");
  return Number(text);
}

/** A Kubernetes quantity. */
export function parseQuantity(text: string): string {
  if (!/^\d+(\.\d+)?(m|k|[MGTPE]|[KMGTPE]i)?$/.test(text))
    throw new InvalidArgumentError("Expected a quantity like 500m, 2 or 512Mi.");
  return text;
}

/** Several values of one option. */
export const collect = (value: string, earlier: string[] = []): string[] => [...earlier, value];

/** `NAME=value` as a map. */
export function environmentOf(pairs: string[] = []): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UserError(`--env takes NAME=VALUE, not ${pair}; --secret-env takes one from here`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Values of this process's environment. */
export function secretsOf(names: string[] = []): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const at = name.indexOf("=");
      if (at >= 0)
        throw new UserError(`--secret-env takes a name alone, and the value from here: ${name.slice(0, at)}`);
      const value = process.env[name];
      if (value === undefined) throw new UserError(`--secret-env ${name}: there is no such variable here`);
      return [name, value];
    }),
  );
}

/**
 * Checks options that are only used once a run has begun. Messages have the names of the options.
 * @throws UserError
 */
export function checkOptions(options: RunOptions): void {
  if (/%$|^[-+]|^0$/.test(options.jobs))
    throw new UserError(`--jobs is a number of pods, and has no processors to be measured by: got ${options.jobs}`);
  const checks: [option: string, setting: Setting, value: unknown][] = [
    ["--jobs", batchSettings.parallelism, options.jobs],
    ["--image", imageSettings.baseImage, options.image],
    ["--timeout", batchSettings.itemTimeout, options.timeout],
    ["--redis", redisSettings.url, options.redis],
    ["--memory", batchSettings.resources, options.memory && resourcesOf(options)],
    ["--namespace", objectSettings.namespace, options.namespace],
    ["--env", batchSettings.env, environmentOf(options.env)],
    ["--secret-env", batchSettings.secretEnv, secretsOf(options.secretEnv)],
    ["--pod", batchSettings.pod, podOf(options.pod)],
  ];
  try {
    for (const [option, { parse, secret }, value] of checks)
      if (value !== undefined) concealing(secret, () => parse(option, value));
  } catch (error) {
    throw new UserError(firstLine(error).replace(/`--memory\.[^`]*`/, "`--memory`"));
  }
  const { handler, files, requirements } = options;
  for (const [option, path] of Object.entries({ handler, files, requirements }))
    if (path !== undefined && !existsSync(path)) throw new UserError(`--${option} ${path}: it does not exist`);
  if (options.files !== undefined && !statSync(options.files).isDirectory())
    throw new UserError(`--files ${options.files}: it is not a folder`);
  // Checked before anything is copied, since this may be a home folder.
  if (options.files !== undefined && bytesIn(options.files) > MAX_FILES_BYTES)
    throw new UserError(
      `--files ${options.files}: a run carries at most ${Math.ceil(MAX_FILES_BYTES / 1024)} KiB: give a smaller folder, or use a stack with \`imageName\``,
    );
  if (options.files !== undefined) refuseLinksOut(options.files);
}

/**
 * Links are copied as what they lead to, and whoever made the folder chose that: a key of the user's, for instance.
 * @throws UserError for one that leads out of the folder.
 */
function refuseLinksOut(folder: string): void {
  const within = `${realpathSync(folder)}${sep}`;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink() || !existsSync(path)) continue; // a broken one is told later
    const target = realpathSync(path);
    if (!`${target}${sep}`.startsWith(within))
      throw new UserError(`--files ${folder}: ${path} leads out of it, to ${target}; a run carries only what is in it`);
  }
}

/** Bytes of the files in a folder, counted until they are too many. */
function bytesIn(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? bytesIn(path) : lstatSync(path).size;
    if (bytes > MAX_FILES_BYTES) break;
  }
  return bytes;
}

/** A pod patch from a file of YAML or JSON. */
export function podOf(file: string | undefined): Record<string, unknown> | undefined {
  if (file === undefined) return undefined;
  try {
    return parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`--pod ${file}: ${firstLine(error)}`);
  }
}

/** Resources of a worker; undefined: the defaults. */
export function resourcesOf({ cpu, memory, gpu }: RunOptions): Resources | undefined {
  if (cpu === undefined && memory === undefined && gpu === undefined) return undefined;
  const limits: Record<string, string> = { cpu: cpu ?? "1", memory: memory ?? "512Mi" };
  if (gpu !== undefined) limits["nvidia.com/gpu"] = String(gpu);
  return { requests: { cpu: cpu ?? "100m", memory: memory ?? "128Mi" }, limits };
}

interface Resources {
  requests: Record<string, string>;
  limits: Record<string, string>;
}
