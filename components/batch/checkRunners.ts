import { ConfigError } from "../../config/parse.ts";
import { hasBatchFunction } from "../image/buildContext.ts";
import { isPython } from "../image/python.ts";
import type { PlanArgs } from "./plan.ts";

/**
 * Checks how a handler or a program is given its items.
 * @throws ConfigError
 */
export function checkRunners({ image, command, serve, batch }: PlanArgs): void {
  const serves = String(serve) === "true";
  if (serves && command === undefined)
    throw new ConfigError("Expected `serve` with a `command`, which is the program that serves, got no `command`.");
  if (batch === undefined || serves) return;
  if (command !== undefined)
    throw new ConfigError(
      "Expected `batch` with `handleBatch` of a handler, or with `serve`: a `command` gets one item.",
    );
  if (image.handler !== undefined && !hasBatchFunction(image.handler))
    throw new ConfigError(
      `${image.handler} has no function for \`batch\`: it needs ${isPython(image.handler) ? "`def handle_batch(items, context):`" : "`export async function handleBatch(items, context)`"}.`,
    );
}
