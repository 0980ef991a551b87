// A server-side dry run, before anything is created or pushed: settings that Kubernetes itself would refuse.
import { request } from "node:https";
import { json } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";

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
 * @returns The setting that the API server refuses, and its words; undefined where it refuses none, or does not answer.
 */
export async function refusedSetting(
  config: KubeConfig,
  { path, settings, object }: DryRun,
): Promise<string | undefined> {
  const all = await refusal(config, path, object(settings));
  if (all === undefined) return undefined;
  for (const setting of settings) {
    const reason = await refusal(config, path, object([setting]));
    if (reason !== undefined) return `Kubernetes refuses \`${setting}\`: ${reason}`;
  }
  return `Kubernetes refuses ${settings.map((setting) => `\`${setting}\``).join(", ")} together: ${all}`;
}

/** Why the API server would not create an object, one line. */
async function refusal(config: KubeConfig, path: string, object: unknown): Promise<string | undefined> {
  const url = new URL(`${path}?dryRun=All&fieldValidation=Strict`, config.getCurrentCluster()!.server);
  const options = { method: "POST", headers: { "content-type": "application/json" }, timeout: 10_000 };
  await config.applyToHTTPSOptions(options);
  try {
    return await new Promise((resolve, reject) => {
      // Not with the client, which would drop fields that it does not know: a misspelt one is what this looks for.
      const call = request(url, options, (response) => {
        if (response.statusCode !== 400 && response.statusCode !== 422) return resolve(response.resume() && undefined);
        json(response).then((status) => resolve(wordsOf((status as { message: string }).message)), reject);
      });
      call.on("error", reject).on("timeout", () => call.destroy(new Error("no answer")));
      call.end(JSON.stringify(object));
    });
  } catch {
    return undefined; // the provider says it in its own words
  }
}

/** The reason without the name of the object, which is not the real one. */
function wordsOf(message: string): string {
  return message
    .split("\n", 1)[0]!
    .replace(/^(\w+ in version "\w+" cannot be handled as a \w+|[\w.]+ "[^"]*" is invalid): /, "");
}

/** The tree without values that are not known yet. */
export function knownPart(value: unknown): unknown {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return undefined;
  if (Array.isArray(value)) return value.map(knownPart).filter((item) => item !== undefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, knownPart(inner)]));
}
