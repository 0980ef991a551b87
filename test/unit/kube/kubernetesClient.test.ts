import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as all from "@kubernetes/client-node";
import { kubeconfigOf } from "../../../kube/kubeconfig.ts";
import { loadClient } from "../../../kube/kubernetesClient.ts";

const KUBECONFIG = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "one",
  clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1", "proxy-url": "http://127.0.0.1:2" } }],
  users: [{ name: "u", user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "true" } } }],
  contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
});

describe("the Kubernetes client in one file", () => {
  it("has the exports of the package, under the same names", async () => {
    const client = await loadClient();
    for (const [name, value] of Object.entries(client))
      assert.equal(typeof value, typeof all[name as keyof typeof all], name);
    assert.notEqual(client.KubeConfig, all.KubeConfig, "it was loaded from the bundle");
  });

  it("makes clients of a kubeconfig with an exec plugin and a proxy", async () => {
    const { CoreV1Api } = await loadClient();
    const config = kubeconfigOf({ kubeconfig: KUBECONFIG, context: "one" });
    assert.equal(config.getCurrentUser()?.exec?.command, "true");
    await assert.rejects(config.makeApiClient(CoreV1Api).listNamespace(), /exec|token|status|JSON/i);
  });

  it("is made once for the installed version", async () => {
    const cache = join(import.meta.dirname, "../../../node_modules/.cache/job-wq-2");
    await loadClient();
    assert.deepEqual(
      readdirSync(cache).filter((name) => !/^kubernetes-client-[0-9a-f]{16}\.mjs$/.test(name)),
      [],
    );
  });
});
