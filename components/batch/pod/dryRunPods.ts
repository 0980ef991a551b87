import { connectCluster, known } from "../../cluster/client.ts";
import { knownPart, refusedSetting, ruleAgainst } from "../../cluster/dryRun.ts";
import { ConfigError } from "../../../config/parse.ts";
import type { BatchSettings } from "../../args.ts";
import type * as pulumi from "@pulumi/pulumi";
import { containerSecurity, podSecurity } from "../../podSecurity.ts";
import { isKnown } from "../../readArgs.ts";
import { customize, knownSettings } from "./podSettings.ts";

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

type Args = Pick<BatchSettings, (typeof SETTINGS)[number]>;

/** The workers' pod template with the user's settings, and nothing else, since a dry run needs no more. */
function templateOf(args: Args) {
  const { resources, nodeSelector, tolerations, priorityClass: priorityClassName, serviceAccountName } = args;
  const template = {
    spec: {
      restartPolicy: "OnFailure",
      securityContext: podSecurity(1000),
      nodeSelector,
      tolerations,
      priorityClassName,
      serviceAccountName,
      containers: [{ name: "c", image: "dry-run", resources, securityContext: containerSecurity }],
    },
  };
  return knownPart(customize(template, knownSettings(args))) as { metadata?: object; spec: object };
}

const metadata = { generateName: "dry-run-" };
const jobOf = (args: Args) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata,
  spec: { template: templateOf(args) },
});
const podOf = (args: Args) => {
  const template = templateOf(args);
  return { apiVersion: "v1", kind: "Pod", ...template, metadata: { ...template.metadata, ...metadata } };
};

/**
 * Asks the API server whether it would take the worker Job, and the namespace's rules whether they admit its pods: Pod
 * Security, and ValidatingAdmissionPolicies.
 * @param component The Batch, for messages.
 * @param target The namespace, and whether this program creates it: if so, its rules are asked from the next `up` on.
 * @throws ConfigError with the reason where they are refused.
 */
export async function dryRunPods(
  batch: pulumi.ComponentResource,
  component: string,
  { namespace, isCreated }: { namespace: pulumi.Input<string>; isCreated: boolean },
  args: BatchSettings,
): Promise<void> {
  const given = SETTINGS.filter((setting) => args[setting] !== undefined);
  if (given.length === 0) return;
  const [cluster, where] = await Promise.all([connectCluster(batch), known(namespace)]);
  if (!cluster) return;
  // A setting of which only a part is known is left out, since Kubernetes would miss the rest.
  const settings = given.filter((setting) => isKnown(args[setting]));
  const refused = await refusedSetting(cluster.config, {
    // Any namespace will do: the answer does not depend on it.
    path: `/apis/batch/v1/namespaces/${isCreated ? "default" : (where ?? "default")}/jobs`,
    settings,
    object: (given) =>
      jobOf(Object.fromEntries(given.map((setting) => [setting, args[setting as keyof BatchSettings]]))),
  });
  if (refused) throw new ConfigError(`${component}: ${refused}`);
  if (args.pod === undefined || where === undefined) return;
  const pods = `/api/v1/namespaces/${where}/pods`;
  const rule = await ruleAgainst(cluster.config, pods, podOf({ pod: args.pod }), podOf({}));
  if (rule) throw new ConfigError(`${component}: \`pod\` is refused in namespace ${where}: ${rule}`);
}
