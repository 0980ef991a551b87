import { setTimeout as sleep } from "node:timers/promises";
import type * as pulumi from "@pulumi/pulumi";
import { isPreview } from "../program.ts";
import { codeOf, connectCluster } from "./client.ts";

const POLL_MS = 200;
/** The controller needs less than a second; a busy one is given this long. */
const TIMEOUT_MS = 60_000;

/**
 * Waits until a namespace has the ServiceAccount `default`. A new one has it after a moment, and admits no pod before.
 * @returns The namespace. The API server tells what is wrong where the wait was in vain.
 */
export async function waitForServiceAccount(component: pulumi.ComponentResource, namespace: string): Promise<string> {
  const cluster = isPreview() ? undefined : await connectCluster(component);
  for (const end = performance.now() + TIMEOUT_MS; cluster && performance.now() < end; await sleep(POLL_MS)) {
    try {
      await cluster.core.readNamespacedServiceAccount({ name: "default", namespace });
      break;
    } catch (error) {
      if (codeOf(error) !== 404) break;
    }
  }
  return namespace;
}
