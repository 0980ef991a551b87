// Reads a stack's settings: each is checked before any resource is registered, and becomes an argument of a component.
import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import type { BatchSettings, ImageSettings, RedisReference, RedisSettings } from "./components/index.ts";
import { checkImage, checkPushable, checkRedis, itemSource } from "./config/checks.ts";
import { unquoted } from "./config/items/items.ts";
import { concealing, ConfigError, invalid } from "./config/parse.ts";
import {
  batchSettings,
  DEFAULT_QUEUE,
  imageSettings,
  type Key,
  programSettings,
  redisKey,
  redisSettings,
  type Setting,
  settings,
} from "./config/settings.ts";
import { plainValues, type PlainValue } from "./config/plainValues.ts";

/** Source of settings: Pulumi's config, or a test's object. */
export interface Source {
  /** Name of the stack. */
  stack: string;
  /** Names of all settings that are set, without the project's prefix. */
  names(): string[];
  get(key: string): string | undefined;
  getSecret(key: string): pulumi.Output<string> | undefined;
  /** True if it, or a part of it, is encrypted in the stack file. */
  isSecret(key: string): boolean;
  /** Values of a list or a map that are neither in quotes nor texts, if the stack file can be read. */
  plainValues?(key: string): Map<string, PlainValue>;
}

type Labels = Record<string, string>;
const DEFAULT_NAME = programSettings.name.default;

/** The settings of a stack, as arguments of the components. */
export interface Config<From = pulumi.Output<RedisReference>> {
  redis: RedisSettings & {
    name: string;
    namespace?: string;
    createNamespace: boolean;
    labels?: Labels;
    owner?: string;
    from?: From;
  };
  image: ImageSettings & { handler: string; files?: string; requirements?: string };
  batch: BatchSettings & { name: string; queue: string; labels?: Labels };
}

/** The current stack's config. */
export function stackSource(): Source {
  const config = new pulumi.Config();
  const prefix = `${pulumi.getProject()}:`;
  // The SDK keeps to itself which they are.
  const secrets = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? "[]") as string[];
  return {
    stack: pulumi.getStack(),
    names: () =>
      Object.keys(pulumi.runtime.allConfig())
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
    get: (key) => config.get(key),
    getSecret: (key) => config.getSecret(key),
    isSecret: (key) => secrets.includes(prefix + key),
    plainValues: (key) => plainValues(`Pulumi.${pulumi.getStack()}.yaml`, prefix + key),
  };
}

/**
 * The current stack's settings.
 * @throws ConfigError: one line that names the setting, its value and what is allowed.
 */
export function loadConfig(): Config {
  const source = stackSource();
  const { redis, ...config } = readConfig(source);
  for (const key of exposed(source))
    void pulumi.log.warn(
      `\`${key}\` is readable in the stack file: \`pulumi config set --secret ${key}\` asks for it and encrypts it.`,
    );
  if (isForNobody(source))
    void pulumi.log.warn(
      "`baseImage` is set, and neither `command` nor `handler`: the shipped handler runs, and counts the characters of each item.",
    );
  const { from, ...others } = redis;
  return { ...config, redis: from === undefined ? others : { ...others, from: referenceOf(from) } };
}

/** True if an image of the user runs nothing of the user, which is probably a mistake. */
export const isForNobody = (source: Source): boolean =>
  source.get("baseImage") !== undefined && source.get("command") === undefined && source.get("handler") === undefined;

/** Settings that hold a secret, and are not encrypted. A URL without a password is none. */
export function exposed(source: Source): string[] {
  return Object.entries(settings as Record<string, Setting>).flatMap(([key, { secret }]) => {
    const value = source.get(key);
    if (!secret || value === undefined || source.isSecret(key)) return [];
    return key === redisKey("url") && !URL.parse(value)?.password ? [] : [key];
  });
}

/** The Redis of another stack. */
function referenceOf(stack: string): pulumi.Output<RedisReference> {
  const path = stack.includes("/") ? stack : `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
  return new pulumi.StackReference(path).requireOutput("redis") as pulumi.Output<RedisReference>;
}

/** The settings of a source. @throws ConfigError: one line that names the setting, its value and what is allowed. */
export function readConfig(source: Source): Config<string> {
  for (const name of source.names()) if (!(name in settings)) unknown(source, name);
  for (const key of Object.keys(settings) as Key[]) check(source, key);
  for (const key of TEXTS) checkQuotes(source, key);
  const { name, createNamespace, namespace, labels, owner, redisFrom, handler, files, requirements } = group(
    source,
    programSettings,
  );
  const redis = group(source, redisSettings, redisKey);
  const image = group(source, imageSettings);
  const batch = group(source, batchSettings);
  const from = redisFrom === undefined ? {} : { from: redisFrom };
  checkRedis({ ...redis, ...from }, redisKey);
  checkImage(image);
  if (image.imageName !== undefined) checkPushable(image.imageName, image.push !== "false");
  itemSource(batch, ["items", "itemsFile", "itemsRange"]);
  const shared = { ...(labels && { labels }), ...(owner && { owner }) };
  const redisName = name === DEFAULT_NAME ? "redis" : `${name}-redis`;
  return {
    redis: {
      ...redis,
      ...from,
      ...shared,
      name: redisName,
      ...(namespace && { namespace }),
      createNamespace: createNamespace === "true",
    },
    image: {
      ...image,
      handler,
      ...(requirements && { requirements }),
      ...((files !== programSettings.files.default || existsSync(files)) && { files }),
    },
    batch: {
      ...batch,
      ...shared,
      name,
      queue: source.get("queue") ?? (redisFrom === undefined ? DEFAULT_QUEUE : source.stack),
    },
  } as unknown as Config<string>;
}

/** Refuses a key that is no setting. */
function unknown(source: Source, name: string): never {
  const all = settings as Record<string, Setting>;
  const map = /^\w+(?=[.[])/.exec(name)?.[0] ?? "";
  if (map in all) {
    const secret = all[map]!.secret ? "--secret " : "";
    throw new ConfigError(
      `\`${name}\` was set without \`--path\`: \`pulumi config rm ${name}\`, then \`pulumi config set ${secret}--path '${name}' …\`.`,
    );
  }
  const nested = /^{"(\w+)"/.exec(source.get(name) ?? "")?.[1] ?? "";
  if (nested in all)
    throw new ConfigError(
      `There is no setting \`${name}\`: in the stack file, each is a key of its own, like \`job-wq-2:${nested}\`.`,
    );
  throw new ConfigError(`There is no setting \`${name}\`; did you mean \`${closest(name, Object.keys(all))}\`?`);
}

/** The value of a setting as it is written, parsed if it is a list or a map. */
function valueOf(source: Source, key: string, { parse }: Setting): unknown {
  const text = source.get(key);
  if (text === undefined || !parse.structured) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const wanted = parse.type.endsWith("[]") ? 'a list in the stack file, like ["a", "b"]' : "a map in the stack file";
    return invalid(key, wanted, text);
  }
}

/** Lists and maps of texts. */
const TEXTS = ["items", "env", "labels", "nodeSelector"] as const;

/** Refuses a value that YAML takes for a number, a date or a flag, and that arrives in another spelling. */
function checkQuotes(source: Source, key: (typeof TEXTS)[number]): void {
  const values = valueOf(source, key, settings[key]) as Record<string, unknown> | undefined;
  if (values === undefined) return;
  for (const [place, { written, value }] of source.plainValues?.(key) ?? []) {
    const given = values[place];
    if (given === undefined || given === null || String(given) === written) continue;
    // Otherwise the value comes from another file.
    if (String(given) === String(value) || (value instanceof Date && String(given).startsWith(written.slice(0, 4))))
      unquoted(key === "items" ? `items[${place}]` : `${key}.${place}`, String(given), written);
  }
}

function check(source: Source, key: Key): void {
  const setting: Setting = settings[key];
  if (source.isSecret(key) && !setting.secret)
    throw new ConfigError(
      `Expected \`${key}\` to be set without \`--secret\`, since it is readable in the cluster and in Pulumi's state; secret variables belong in \`secretEnv\`.`,
    );
  concealing(setting.secret, () => {
    const value = valueOf(source, key, setting);
    if (value !== undefined) setting.parse(key, value);
  });
}

/** Arguments of one component, from the settings that are set: secrets as outputs, the others as they are written. */
function group(source: Source, table: Record<string, Setting>, key = (argument: string) => argument) {
  const values = Object.entries(table).map(([argument, setting]): [string, unknown] => {
    const name = key(argument);
    const secret = setting.secret ? source.getSecret(name) : undefined;
    if (secret)
      return [argument, setting.parse.structured ? secret.apply((text) => JSON.parse(text) as unknown) : secret];
    return [argument, valueOf(source, name, setting) ?? (table === programSettings ? setting.default : undefined)];
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Record<string, string>;
}
