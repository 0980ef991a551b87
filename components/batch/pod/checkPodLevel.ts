import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../../config/parse.ts";
import { connectCluster } from "../../cluster/client.ts";
import { knownPart } from "../../cluster/dryRun.ts";
import { containerSecurity, podSecurity } from "../../podSecurity.ts";
import { type Level, LEVELS, podSecurityLevel } from "../../podSecurityLevel.ts";
import { customize, knownSettings } from "./podSettings.ts";

const ENFORCE = "pod-security.kubernetes.io/enforce";

/** The strictest Pod Security level that admits a worker with these settings. */
export function levelOf(settings: object): Level {
  const container = { name: "c", securityContext: containerSecurity };
  const template = { spec: { securityContext: podSecurity(1000), containers: [container] } };
  return podSecurityLevel((knownPart(customize(template, knownSettings(settings))) as typeof template).spec);
}

/** The namespace of a Batch: its name, where it exists before the program runs, or whether the program creates it. */
export interface Target {
  existing: string | undefined;
  isCreated: boolean;
}

/**
 * Says which Pod Security level a loosened pod needs.
 * @throws ConfigError where the namespace enforces a stricter one.
 */
export async function checkPodLevel(
  batch: pulumi.ComponentResource,
  name: string,
  { existing, isCreated }: Target,
  settings: object,
): Promise<void> {
  const needed = levelOf(settings);
  if (needed === "restricted") return;
  const enforced = isCreated ? "restricted" : existing && (await enforcedLevel(batch, existing));
  if (enforced && LEVELS.indexOf(enforced) < LEVELS.indexOf(needed)) {
    const where = isCreated ? "the namespace of `createNamespace`" : `namespace ${existing}`;
    throw new ConfigError(
      `Batch ${name}: \`pod\` needs Pod Security level ${needed}, and ${where} enforces ${enforced}: label a namespace of your own with ${ENFORCE}=${needed}, or loosen less.`,
    );
  }
  if (pulumi.runtime.isDryRun())
    batch.urn.apply(() => pulumi.log.info(`\`pod\` needs Pod Security level ${needed}.`, batch));
}

/** The level that a namespace enforces, where it may be read. */
async function enforcedLevel(batch: pulumi.ComponentResource, name: string): Promise<Level | undefined> {
  const cluster = await connectCluster(batch);
  const namespace = await cluster?.core.readNamespace({ name }).catch(() => undefined);
  return namespace?.metadata?.labels?.[ENFORCE] as Level | undefined;
}
