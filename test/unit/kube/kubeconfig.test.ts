import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { request } from "../../../components/cluster/request.ts";
import { loadClient } from "../../../kube/kubernetesClient.ts";
import {
  contextOf,
  kubeconfigOf,
  namespaceOf,
  type SearchPaths,
  type ProviderSettings,
} from "../../../kube/kubeconfig.ts";
import { proxyOf } from "../../../kube/proxy.ts";

const { CoreV1Api, KubeConfig } = await loadClient();

/** A kubeconfig with a context, a cluster and a user of each name. */
const kubeconfig = (server: string, ...names: string[]) => ({
  apiVersion: "v1",
  kind: "Config",
  "current-context": names[0],
  clusters: names.map((name) => ({ name, cluster: { server: `https://${name}.${server}` } })),
  users: names.map((name) => ({ name, user: { token: "t" } })),
  contexts: names.map((name) => ({ name, context: { cluster: name, user: name, namespace: `of-${name}` } })),
});

describe("the kubeconfig of the provider", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-kubeconfig-"));
  const atHome = join(homedir(), `.${basename(dir)}`);
  const [one, two] = [join(dir, "one"), join(dir, "two")];
  before(() => {
    writeFileSync(one, JSON.stringify(kubeconfig("first", "a", "b")));
    writeFileSync(two, JSON.stringify(kubeconfig("second", "b", "c")));
    writeFileSync(atHome, JSON.stringify(kubeconfig("home", "a")));
  });
  after(() => {
    rmSync(dir, { recursive: true });
    rmSync(atHome);
  });

  const several = ["/nowhere/kubeconfig", one, two].join(delimiter);
  const cases: [title: string, settings: ProviderSettings, paths: SearchPaths, server: string, namespace: string][] = [
    ["is a path", { kubeconfig: one }, {}, "a.first", "of-a"],
    ["is a path seen from the program", { kubeconfig: "one" }, { folder: dir }, "a.first", "of-a"],
    ["is a path below ~", { kubeconfig: `~/.${basename(dir)}` }, {}, "a.home", "of-a"],
    ["is the text", { kubeconfig: JSON.stringify(kubeconfig("text", "x"), null, 1) }, {}, "x.text", "of-x"],
    ["is an object", { kubeconfig: kubeconfig("object", "x") }, {}, "x.object", "of-x"],
    ["is that of KUBECONFIG where unset", {}, { path: one }, "a.first", "of-a"],
    ["is that of KUBECONFIG where empty", { kubeconfig: "" }, { path: one }, "a.first", "of-a"],
    ["is several files, of which the first one counts", { context: "b" }, { path: several }, "b.first", "of-b"],
    ["is several files as an argument", { kubeconfig: several, context: "c" }, {}, "c.second", "of-c"],
    ["has another context", { kubeconfig: one, context: "b" }, {}, "b.first", "of-b"],
    ["has another cluster and namespace", { kubeconfig: one, cluster: "b", namespace: "mine" }, {}, "b.first", "mine"],
  ];
  for (const [title, settings, place, server, namespace] of cases) {
    it(title, () => {
      const config = kubeconfigOf(settings, place);
      assert.deepEqual([config.getCurrentCluster()?.server, namespaceOf(config)], [`https://${server}`, namespace]);
    });
  }

  it("has a name for its context, but not in a pod", () => {
    assert.equal(contextOf(kubeconfigOf({ kubeconfig: one })), "a");
    const inPod = new KubeConfig();
    inPod.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: "inClusterContext" });
    assert.equal(contextOf(inPod), undefined);
  });

  const refused: [settings: ProviderSettings, paths: SearchPaths, message: string][] = [
    [{ context: "z" }, { path: one }, "the kubeconfig has no context z; set KUBECONFIG"],
    [{}, { path: "/nowhere/kubeconfig" }, "cannot read the kubeconfig: /nowhere/kubeconfig does not exist"],
  ];
  for (const [settings, place, message] of refused)
    it(`is refused: ${message}`, () => assert.throws(() => kubeconfigOf(settings, place), { message }));

  it("may lead to a server without TLS, like `kubectl proxy`", async () => {
    const server = createServer((_, response) =>
      response.setHeader("content-type", "application/json").end(JSON.stringify({ items: [] })),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const text = JSON.stringify(kubeconfig("x", "p")).replace(
      "https://p.x",
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    const config = kubeconfigOf({ kubeconfig: text });
    assert.deepEqual((await request(config, "/api/v1/pods"))?.code, 200);
    assert.deepEqual((await config.makeApiClient(CoreV1Api).listPodForAllNamespaces()).items, []);
    server.close();
  });

  const proxies: [server: string, environment: Record<string, string>, proxy: string | undefined][] = [
    ["https://k.example.com:6443", { HTTPS_PROXY: "http://proxy:3128" }, "http://proxy:3128"],
    ["https://k.example.com", { https_proxy: "proxy:3128" }, "http://proxy:3128"],
    ["https://k.example.com", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "a.com, .example.com" }, undefined],
    ["https://k.example.com", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "example.com:6443" }, "http://proxy:3128"],
    ["https://kexample.com", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "example.com" }, "http://proxy:3128"],
    ["https://127.0.0.1:6443", { HTTPS_PROXY: "http://proxy:3128" }, undefined],
    ["https://[::1]:6443", { HTTPS_PROXY: "http://proxy:3128" }, undefined],
    ["https://10.2.3.4:6443", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "172.16.0.0/12,10.0.0.0/8" }, undefined],
    ["https://11.2.3.4", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "10.0.0.0/8,10.0.0.0/99" }, "http://proxy:3128"],
    ["https://[fd00::4]", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "fd00::/8" }, undefined],
    ["https://10.2.3.4:6443", { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "10.2.3.4" }, undefined],
    ["https://k.example.com", {}, undefined],
  ];
  for (const [server, environment, proxy] of proxies)
    it(`goes to ${server} with ${JSON.stringify(environment)} through ${proxy}`, () =>
      assert.equal(proxyOf(server, environment), proxy));
});
