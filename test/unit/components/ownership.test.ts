import assert from "node:assert/strict";
import { pathOf } from "../../../components/cluster/ownership.ts";

describe("the path of an object", () => {
  const paths: [type: string, path: string][] = [
    ["core/v1:Namespace", "/api/v1/namespaces/x"],
    ["core/v1:ConfigMap", "/api/v1/namespaces/n/configmaps/x"],
    ["core/v1:ServiceAccount", "/api/v1/namespaces/n/serviceaccounts/x"],
    ["apps/v1:StatefulSet", "/apis/apps/v1/namespaces/n/statefulsets/x"],
    ["batch/v1:Job", "/apis/batch/v1/namespaces/n/jobs/x"],
    ["networking.k8s.io/v1:NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/x"],
    ["rbac.authorization.k8s.io/v1:RoleBinding", "/apis/rbac.authorization.k8s.io/v1/namespaces/n/rolebindings/x"],
  ];
  for (const [type, path] of paths)
    it(`is ${path} for ${type}`, () => assert.equal(pathOf(`kubernetes:${type}`, "x", "n"), path));
});
