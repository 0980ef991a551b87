// A server-side dry run, before anything is created or pushed: settings that Kubernetes itself would refuse.
import type { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { request } from "./request.ts";

/** The settings that shape an object, and the object they make. */
export interface DryRun {
  /** Path of the collection it would be created in. */
  path: string;
  /** Names of the settings that are given. */
  settings: string[];
  /** The object, from only these settings. */
  object: (settings: string[]) => unknown;
}

/**
 * @returns The setting that the API server refuses, and its words; undefined if it refuses none, or does not answer.
 */
export async function refusedSetting(
  config: KubeConfig,
  { path, settings, object }: DryRun,
): Promise<string | undefined> {
  if (settings.length === 0) return undefined;
  const all = await refusal(config, path, object(settings));
  if (all === undefined) return undefined;
  for (const setting of settings) {
    const reason = await refusal(config, path, object([setting]));
    if (reason !== undefined) return `Kubernetes refuses \`${setting}\`: ${reason}`;
  }
  return `Kubernetes refuses ${settings.map((setting) => `\`${setting}\``).join(", ")} together: ${all}`;
}

/** Reason why the API server would not create an object, one line. */
async function refusal(config: KubeConfig, path: string, object: unknown): Promise<string | undefined> {
  // The typed client would drop fields that it does not know, and this looks for misspelt ones.
  const answer = await request(config, `${path}?dryRun=All&fieldValidation=Strict`, object);
  if (answer?.code !== 400 && answer?.code !== 422) return undefined;
  const { message, details } = answer.body as { message: string; details?: { causes?: { field?: string }[] } };
  // A policy that refuses this made-up object may accept the real one, and decides when that is created.
  const isOfObject = answer.code === 400 || details?.causes?.some(({ field }) => field?.startsWith("spec."));
  return isOfObject && !/denied|admission webhook/.test(message) ? wordsOf(message) : undefined;
}

/**
 * The words of a rule of the namespace, Pod Security or a policy, that refuses an object.
 * @param plain The same object without the part in question. A rule that refuses this one, too, may be about the
 * made-up object, and decides when the real one is created.
 */
export async function ruleAgainst(
  config: KubeConfig,
  path: string,
  object: unknown,
  plain: unknown,
): Promise<string | undefined> {
  const words = async (asked: unknown) => {
    const answer = await request(config, `${path}?dryRun=All`, asked);
    const { message = "" } = (answer?.body ?? {}) as { message?: string };
    // A missing right to create pods, a quota, or an account that comes later is no such rule.
    return /violates PodSecurity|ValidatingAdmissionPolicy/.test(message) ? wordsOf(message) : undefined;
  };
  const refused = await words(object);
  return refused !== undefined && (await words(plain)) === undefined ? refused : undefined;
}

/** The reason without the name of the object, which is not the real one. */
function wordsOf(message: string): string {
  return message
    .split("\n", 1)[0]!
    .replace(/^(\w+ in version "\w+" cannot be handled as a \w+|[\w.]+ "[^"]*" is (invalid|forbidden)): /, "");
}

/** The tree without values that are not known yet. */
export function knownPart(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return undefined;
  if (Array.isArray(value)) return value.map(knownPart).filter((item) => item !== undefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, knownPart(inner)]));
}
