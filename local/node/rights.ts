// Rights of the platform's own clients of the API server; those of Kubernetes have roles from the start.
import { KubeConfig, KubernetesObjectApi, type KubernetesObject, PatchStrategy } from "@kubernetes/client-node";
import { kubeconfig } from "../paths.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

const look = ["list", "watch"];
const rights: Record<string, Rule[]> = {
  coredns: [
    { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: look },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: look },
  ],
  provisioner: [
    { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: look },
    { apiGroups: [""], resources: ["persistentvolumes"], verbs: [...look, "create", "delete"] },
  ],
};

const group = "rbac.authorization.k8s.io";
const objects = Object.entries(rights).flatMap(([name, rules]): KubernetesObject[] => {
  const metadata = { name: `job-wq-2:${name}` };
  const head = { apiVersion: `${group}/v1`, metadata };
  const roleRef = { apiGroup: group, kind: "ClusterRole", name: metadata.name };
  const subjects = [{ apiGroup: group, kind: "User", name }];
  return [
    { ...head, kind: "ClusterRole", rules } as KubernetesObject,
    { ...head, kind: "ClusterRoleBinding", roleRef, subjects } as KubernetesObject,
  ];
});

/** Grants the rights. */
export async function grantRights(): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = KubernetesObjectApi.makeApiClient(config);
  const apply = (object: KubernetesObject) =>
    api.patch(object, undefined, undefined, "job-wq-2", true, PatchStrategy.ServerSideApply);
  await Promise.all(objects.map(apply));
}
