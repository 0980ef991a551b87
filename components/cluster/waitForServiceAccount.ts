import type * as pulumi from "@pulumi/pulumi";
import { pollUntil } from "../../kube/poll.ts";
import { isPreview } from "../engine.ts";
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
  // Another answer than "not there" is for the provider to tell.
  const look = () =>
    cluster?.core.readNamespacedServiceAccount({ name: "default", namespace }).then(
      () => true,
      (error: unknown) => codeOf(error) !== 404,
    ) ?? true;
  await pollUntil(look, { timeoutMs: TIMEOUT_MS, intervalMs: POLL_MS });
  return namespace;
}
