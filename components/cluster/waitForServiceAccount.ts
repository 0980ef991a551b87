import type { CoreV1Api } from "@kubernetes/client-node";
import type * as pulumi from "@pulumi/pulumi";
import { pollUntil } from "../../kube/poll.ts";
import { isPreview } from "../engine.ts";
import { codeOf, connectCluster } from "./client.ts";

const POLL_MS = 200;
/** The controller needs less than a second; a busy one is given this long. */
const TIMEOUT_MS = 60_000;

/**
 * Waits until a namespace has the ServiceAccount `default`. A new namespace has it after a moment, and admits no pod
 * before.
 * @returns The namespace. If the wait was in vain, the API server will say what is wrong.
 */
export async function waitForServiceAccount(component: pulumi.ComponentResource, namespace: string): Promise<string> {
  const cluster = isPreview() ? undefined : await connectCluster(component);
  const look = () => cluster === undefined || isAnswered(cluster.core, namespace);
  await pollUntil(look, { timeoutMs: TIMEOUT_MS, intervalMs: POLL_MS });
  return namespace;
}

/** True if there is nothing to wait for. The provider reports any answer other than "not there". */
export async function isAnswered(
  core: Pick<CoreV1Api, "readNamespacedServiceAccount" | "readNamespace">,
  namespace: string,
): Promise<boolean> {
  try {
    await core.readNamespacedServiceAccount({ name: "default", namespace });
    return true;
  } catch (error) {
    if (codeOf(error) !== 404) return true;
    // A namespace that does not exist gets none.
    return core.readNamespace({ name: namespace }).then(
      () => false,
      (missing: unknown) => codeOf(missing) === 404,
    );
  }
}
