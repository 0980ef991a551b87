// Components and workers name settings of a stack. In messages of `wq run`, they become its options.
import { settings } from "../../config/settings.ts";

const OPTIONS: Record<string, string> = {
  baseImage: "--image",
  entrypoint: "--entrypoint",
  files: "--files",
  itemTimeout: "--timeout",
  maxAttempts: "--retries",
  maxFailures: "--halt",
  parallelism: "--jobs",
  redisUrl: "--redis",
  requirements: "--requirements",
  "resources.limits.cpu": "--cpu",
  "resources.limits.memory": "--memory",
  secretEnv: "--secret-env",
};
/** Advice that does not hold for a run. */
const NOT_HERE = "`createNamespace` creates it, or: ";

/** A setting that a run does not have. Programs of users print words like `run`, too, but none like `runAsUser`. */
const isOfStack = (name: string) => Object.hasOwn(settings, name) && (/[A-Z]/.test(name) || name === "claims");

/** The message with settings replaced by options, or marked as settings of a stack. */
export const withOptions = (message: string): string =>
  message.replace(NOT_HERE, "").replaceAll(/`([A-Za-z.]+)`/g, (whole, name: string) => {
    if (Object.hasOwn(OPTIONS, name)) return `\`${OPTIONS[name]}\``;
    return isOfStack(name) ? `${whole} of a stack` : whole;
  });
