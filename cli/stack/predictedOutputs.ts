import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Key, type Setting, settings } from "../../config/settings.ts";
import type { StackOutputs } from "./outputs.ts";

/** What `pulumi config --json` says of a key. */
type Entry = { value?: string };

const root = join(import.meta.dirname, "../..");

/**
 * What index.ts will export, from the stack's settings. Pulumi keeps the outputs of a stack's first `up` until its end, and that is when people want to
 * watch it.
 */
export function foreseen(config: Record<string, Entry>): StackOutputs {
  const { name: project } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as { name: string };
  const get = (key: Key) => config[`${project}:${key}`]?.value ?? (settings[key] as Setting).default;
  const url = get("redisUrl");
  const cluster = (key: string) => config[`kubernetes:${key}`]?.value;
  const outputs = {
    namespace: get("namespace"),
    queue: get("queue"),
    workerJob: get("workers") === "true" ? "job-wq-2" : undefined,
    redisPod: url ? undefined : get("redisStorage") ? "redis-master-0" : "redis-master",
    redisSecret: url || get("redisAuth") !== "true" ? undefined : "redis",
    redisUrl: url,
    kubeContext: cluster("context"),
    kubeconfig: cluster("kubeconfig"),
  };
  return Object.fromEntries(Object.entries(outputs).filter(([, value]) => value !== undefined)) as never;
}
