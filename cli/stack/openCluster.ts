// The client of Kubernetes is large: it is loaded where it is needed, and while something else is waited for.
import type { ClusterSettings } from "./batches.ts";
import type { Cluster } from "./cluster.ts";
import type { StackLocation } from "./findStack.ts";

/** A namespace of the cluster of a batch. @throws UserError if the kubeconfig cannot be used. */
export async function openCluster(
  settings: ClusterSettings,
  namespace: string,
  stack: StackLocation,
): Promise<Cluster> {
  const { Cluster } = await import("./cluster.ts");
  return new Cluster(settings, namespace, stack);
}

/** Loads the client while Pulumi is asked. */
export function preloadCluster(): void {
  import("./cluster.ts").catch(() => {}); // the error is reported when the client is used
}
