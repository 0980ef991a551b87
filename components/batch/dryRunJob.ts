import { connectCluster, known } from "../cluster/client.ts";
import { knownPart, refusedSetting } from "../cluster/dryRun.ts";
import { ConfigError } from "../../config/parse.ts";
import type { BatchSettings } from "../args.ts";
import type * as pulumi from "@pulumi/pulumi";
import { customize, knownSettings } from "./pod/podSettings.ts";

const SETTINGS = [
  "resources",
  "nodeSelector",
  "tolerations",
  "priorityClass",
  "serviceAccountName",
  "claims",
  "sharedMemory",
  "pod",
] as const;

/** A worker Job with the user's settings, and nothing else that a dry run needs to know. */
function jobOf(args: Pick<BatchSettings, (typeof SETTINGS)[number]>): unknown {
  const { resources, nodeSelector, tolerations, priorityClass: priorityClassName, serviceAccountName } = args;
  const template = {
    spec: {
      restartPolicy: "OnFailure",
      nodeSelector,
      tolerations,
      priorityClassName,
      serviceAccountName,
      containers: [{ name: "c", image: "dry-run", resources }],
    },
  };
  const spec = { template: knownPart(customize(template, knownSettings(args))) };
  return { apiVersion: "batch/v1", kind: "Job", metadata: { generateName: "dry-run-" }, spec };
}

/**
 * Asks the API server whether it would take the worker Job.
 * @param namespace An existing one; any will do, since the answer does not depend on it.
 * @throws ConfigError with the reason where the Job is refused.
 */
export async function dryRunJob(
  batch: pulumi.ComponentResource,
  name: string,
  namespace: pulumi.Input<string>,
  args: BatchSettings,
): Promise<void> {
  const settings = SETTINGS.filter((setting) => args[setting] !== undefined);
  if (settings.length === 0) return;
  const [cluster, where = "default"] = await Promise.all([connectCluster(batch), known(namespace)]);
  if (!cluster) return;
  const refused = await refusedSetting(cluster.config, {
    path: `/apis/batch/v1/namespaces/${where}/jobs`,
    settings,
    object: (given) =>
      jobOf(Object.fromEntries(given.map((setting) => [setting, args[setting as keyof BatchSettings]]))),
  });
  if (refused) throw new ConfigError(`Batch ${name}: ${refused}`);
}
