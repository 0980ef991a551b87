// Reason why a Job is suspended: by Kueue, until there is room for it, or by hand.
import { oneLine } from "../../config/foreignText.ts";
import { loadClient } from "../../kube/kubernetesClient.ts";
import type { Cluster } from "./client.ts";
import type { StartProblem } from "../../kube/podProblems.ts";

const KUEUE = "kueue.x-k8s.io";

interface Workload {
  metadata: { ownerReferences?: { uid: string }[] };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

/** Reason why a Job is suspended; undefined if it is not. */
export async function suspension(
  cluster: Cluster,
  { name, namespace, uid }: { name: string; namespace: string; uid: string },
): Promise<StartProblem | undefined> {
  const { spec, metadata } = await cluster.batch.readNamespacedJob({ name, namespace });
  if (!spec?.suspend) return undefined;
  const byHand = `it goes on with: kubectl patch job ${name} -n ${namespace} -p '{"spec":{"suspend":false}}'`;
  const isQueued = metadata?.labels?.[`${KUEUE}/queue-name`] !== undefined;
  const reason = isQueued ? await kueueReason(cluster, namespace, uid) : byHand;
  return { fatal: false, line: `Job ${name} is suspended: ${reason}` };
}

/** Kueue's own words, from the Workload it makes of a Job. */
async function kueueReason(cluster: Cluster, namespace: string, jobUid: string): Promise<string> {
  try {
    const { ApisApi, CustomObjectsApi } = await loadClient();
    const { groups } = await cluster.config.makeApiClient(ApisApi).getAPIVersions();
    const version = groups.find(({ name }) => name === KUEUE)!.preferredVersion!.version;
    const api = cluster.config.makeApiClient(CustomObjectsApi);
    const list = { group: KUEUE, version, namespace, plural: "workloads" };
    const { items } = (await api.listNamespacedCustomObject(list)) as { items: Workload[] };
    const workload = items.find(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === jobUid));
    const refusal = workload?.status?.conditions?.find(({ status, message }) => status === "False" && message);
    if (refusal) return oneLine(refusal.message!);
  } catch {
    // Kueue is not there, or may not be asked.
  }
  return "Kueue has not admitted it yet";
}
