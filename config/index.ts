// The stack's settings: read once, checked, and returned as one typed object. What each is: config/settings.ts.
import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import * as check from "./parse.ts";
import { BadSetting, refuse } from "./parse.ts";
import { fromFile, fromRange, type Items, listed } from "./items.ts";
import { type Key, type Setting, settings } from "./settings.ts";

/** Where settings come from: Pulumi's config, or a test's object. */
export interface Source {
  /** Names of all settings there are, without the project's prefix. */
  names(): string[];
  get(key: string): string | undefined;
  getObject(key: string): unknown;
  getSecret(key: string): pulumi.Output<string> | undefined;
  getSecretObject(key: string): pulumi.Output<Record<string, string>> | undefined;
}

/** The current stack's config. */
export function stackSource(): Source {
  const config = new pulumi.Config();
  const prefix = `${pulumi.getProject()}:`;
  return {
    names: () =>
      Object.keys(pulumi.runtime.allConfig())
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
    get: (key) => config.get(key),
    getObject: (key) => config.getObject(key),
    getSecret: (key) => config.getSecret(key),
    getSecretObject: (key) => config.getSecretObject(key),
  };
}

/** The settings, checked. @throws BadSetting: one line that names the key, its value and what is allowed. */
export type Config = ReturnType<typeof readConfig>;

export function readConfig(source: Source) {
  for (const name of source.names()) {
    if (name in settings) continue;
    throw new BadSetting(`There is no setting \`${name}\`; did you mean \`${closest(name, Object.keys(settings))}\`?`);
  }
  const optional = (key: Key) => source.get(key);
  const required = (key: Key): string => source.get(key) ?? (settings[key] as Setting).default!;
  const given = <T>(key: Key, read: (key: string, text: string) => T): T | undefined => {
    const text = optional(key);
    return text === undefined ? undefined : read(key, text);
  };
  const object = (key: Key): Record<string, unknown> | undefined => {
    const value = structured(source, key);
    if (value !== undefined && (typeof value !== "object" || value === null || Array.isArray(value)))
      refuse(key, "a map", value);
    return value as Record<string, unknown> | undefined;
  };
  const texts = (key: Key): Record<string, string> | undefined => {
    const map = object(key);
    return map && Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)]));
  };

  const push = check.flag("push", required("push"));
  const platform = required("platform");
  if (!/^linux\/(amd64|arm64)$/.test(platform)) refuse("platform", "linux/amd64 or linux/arm64", platform);
  return {
    items: readItems(source),
    queue: queueName(required("queue")),
    namespace: check.name("namespace", required("namespace")),
    createNamespace: check.flag("createNamespace", required("createNamespace")),
    image: readImage(source, push),
    platform,
    baseImage: check.image("baseImage", required("baseImage")),
    login: readLogin(source),
    pullSecret: given("pullSecret", check.name),
    command: readCommand(source),
    parallelism: check.whole("parallelism", required("parallelism"), 1),
    concurrency: check.whole("concurrency", required("concurrency"), 1),
    workSeconds: check.amount("workSeconds", required("workSeconds")),
    maxAttempts: check.whole("maxAttempts", required("maxAttempts"), 1),
    backoff: check.durations("backoff", required("backoff")),
    itemTimeout: check.duration("itemTimeout", required("itemTimeout"), 1_000),
    lease: check.whole("leaseSeconds", required("leaseSeconds"), 2) * 1_000,
    maxFailures: given("maxFailures", (key, text) => check.whole(key, text, 0)),
    allowFailures: check.flag("allowFailures", required("allowFailures")),
    maxResultBytes: check.whole("maxResultBytes", required("maxResultBytes"), 0),
    keepResults: check.oneOf("keepResults", required("keepResults"), ["all", "failed"]),
    keepLogs: check.oneOf("keepLogs", required("keepLogs"), ["failed", "all"]),
    run: required("run"),
    retry: required("retry"),
    workers: check.flag("workers", required("workers")),
    wait: check.flag("wait", required("wait")),
    activeDeadline: check.duration("activeDeadline", required("activeDeadline"), 60_000),
    gracePeriod: check.duration("gracePeriod", required("gracePeriod"), 0),
    resources: object("resources"),
    nodeSelector: texts("nodeSelector"),
    tolerations: readTolerations(source),
    priorityClass: given("priorityClass", check.name),
    env: texts("env") ?? {},
    secretEnv: source.getSecretObject("secretEnv"),
    serviceAccountName: given("serviceAccountName", check.name),
    runAsUser: check.whole("runAsUser", required("runAsUser"), 1),
    redis: {
      url: readRedisUrl(source),
      storage: given("redisStorage", (key, text) => check.bytes(key, text, 2 ** 20) && text),
      image: check.image("redisImage", required("redisImage")),
      memoryBytes: check.bytes("redisMemory", required("redisMemory"), 32 * 2 ** 20),
      memory: required("redisMemory"),
      auth: check.flag("redisAuth", required("redisAuth")),
    },
    logFormat: check.oneOf("logFormat", required("logFormat"), ["text", "json"]),
  };
}

function structured(source: Source, key: Key): unknown {
  try {
    return source.getObject(key);
  } catch {
    return refuse(key, "a list or a map in the stack file", source.get(key));
  }
}

function readItems(source: Source): Items | undefined {
  const given = (["items", "itemsFile", "itemsRange"] as const).filter((key) => source.get(key) !== undefined);
  if (given.length > 1)
    throw new BadSetting(
      `Expected at most one of \`items\`, \`itemsFile\` and \`itemsRange\`, got ${given.join(" and ")}.`,
    );
  switch (given[0]) {
    case "items":
      return listed("items", structured(source, "items"));
    case "itemsFile":
      return fromFile("itemsFile", source.get("itemsFile")!);
    case "itemsRange":
      return fromRange("itemsRange", source.get("itemsRange")!);
    default:
      return undefined;
  }
}

/** Braces and spaces would end up in the names of keys that must share one slot. */
function queueName(text: string): string {
  if (!/^[\w.:-]{1,100}$/.test(text))
    refuse("queue", "at most 100 letters, digits, dots, colons, dashes and underscores", text);
  return text;
}

function readImage(source: Source, push: boolean) {
  const ready = source.get("image");
  const build = source.get("imageName");
  if (ready !== undefined && build !== undefined)
    throw new BadSetting("Expected one of `imageName` and `image`, got both.");
  if (ready !== undefined) return { kind: "ready" as const, name: check.image("image", ready) };
  if (build === undefined) {
    throw new BadSetting(
      "Expected `imageName` (what to build and push, like ghcr.io/you/job-wq-2) or `image` (a ready-made one), got neither.",
    );
  }
  const name = check.image("imageName", build);
  if (name.includes("@")) refuse("imageName", "a name without a digest: the digest comes from the build", build);
  if (push && !check.hasRegistry(name))
    refuse("imageName", "a name that begins with its registry, like docker.io/you/job-wq-2, to be pushed", build);
  return { kind: "build" as const, name, push };
}

function readLogin(source: Source) {
  const username = source.get("registryUsername");
  const password = source.getSecret("registryPassword");
  if ((username === undefined) !== (password === undefined)) {
    const [there, missing] =
      username === undefined ? ["registryPassword", "registryUsername"] : ["registryUsername", "registryPassword"];
    throw new BadSetting(
      `Expected both \`registryUsername\` and \`registryPassword\` or neither, got \`${there}\` without \`${missing}\`.`,
    );
  }
  return username === undefined ? undefined : { username, password: password! };
}

function readCommand(source: Source): string[] | undefined {
  const value = structured(source, "command");
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0 || !value.every((word) => typeof word === "string")) {
    refuse("command", 'a list of texts like ["python3", "process.py"]', value);
  }
  return value as string[];
}

function readTolerations(source: Source): Record<string, unknown>[] | undefined {
  const value = structured(source, "tolerations");
  if (value !== undefined && !Array.isArray(value)) refuse("tolerations", "a list", value);
  return value as Record<string, unknown>[] | undefined;
}

function readRedisUrl(source: Source): pulumi.Output<string> | undefined {
  const url = source.get("redisUrl");
  // Its value holds a password: it is not repeated.
  if (url !== undefined && !/^rediss?:\/\/[^/\s]+/.test(url)) {
    throw new BadSetting("Expected `redisUrl` to be a URL like rediss://user:password@host:6380, got something else.");
  }
  if (url !== undefined && source.get("redisStorage") !== undefined) {
    throw new BadSetting(
      "Expected at most one of `redisUrl` and `redisStorage`, got both: a Redis of your own has its own storage.",
    );
  }
  return source.getSecret("redisUrl");
}
