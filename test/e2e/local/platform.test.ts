// The services of the running local platform, and what it leaves open.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { execa } from "execa";
import { pollUntil } from "../../../kube/poll.ts";
import { running } from "../../../local/node/daemon.ts";
import { chosenNodes } from "../../../local/node/nodes.ts";
import { kubeconfigOf } from "../../../local/node/pki.ts";
import { daemons } from "../../../local/node/daemons.ts";
import { bridgeAddress, ports } from "../../../local/addresses.ts";
import { pkiDir, runDir, stateDir } from "../../../local/paths.ts";
import { platform, platformVariables } from "../../support/platform.ts";

const namespace = `platform-asked-${process.pid}`;

const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: ${namespace}, labels: {app: server}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "redis:8"}]
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: ${namespace}}
spec: {selector: {app: server}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: ${namespace}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "redis:8", command: ["sleep", "3600"]}]
`;

describe("the local platform, while it runs", function () {
  this.timeout(30 * 60_000);
  let env: Record<string, string>;
  const kubectl = async (args: string[], input?: string) =>
    (await execa("kubectl", args, { env, ...(input ? { input } : {}) })).stdout;

  before(async () => {
    env = await platformVariables();
    await kubectl(["apply", "-f", "-"], manifest);
    await kubectl(["wait", "-n", namespace, "--for=condition=ready", "pod", "--all", "--timeout=120s"]);
  });
  after(() => kubectl(["delete", "namespace", namespace, "--wait=false"]));

  /** Through the Service, once kube-proxy has heard of the pod. */
  const ping = () =>
    pollUntil(() => inClient("redis-cli", "-h", "server", "ping").catch(() => ""), {
      timeoutMs: 15_000,
      intervalMs: 200,
    });
  const inClient = (...command: string[]) => kubectl(["exec", "-n", namespace, "client", "--", ...command]);

  it("runs a pod from `redis:8`, whose log and shell answer", async () => {
    assert.match(await kubectl(["logs", "-n", namespace, "server"]), /Ready to accept connections/);
    assert.equal(await kubectl(["exec", "-n", namespace, "server", "--", "redis-cli", "ping"]), "PONG");
  });

  it("resolves Services by name from inside a pod, and reaches another pod through one", async () => {
    assert.match(await inClient("getent", "hosts", "kubernetes.default"), /^10\.96\.0\.1\s/);
    assert.equal(await ping(), "PONG");
  });

  it("says that each part runs", async () => {
    const { stdout, exitCode } = await platform("status");
    assert.equal(exitCode, 0);
    for (const part of ["containerd", "docker-registry", "etcd", "apiserver", "kubelet", "proxy", "coredns"]) {
      assert.match(stdout, new RegExp(`│ ${part} +│ running `));
    }
  });

  it("says what each provider plugin is", async () => {
    const { stdout } = await platform("status");
    assert.match(stdout, /│ kubernetes provider │ installed +│ +│ official, /);
    assert.match(stdout, /│ docker provider +│ installed +│ +│ (official, |our own)/);
  });

  /** Answer of etcd: its status, or the error before it came to that. */
  const etcd = (client?: string) =>
    new Promise<number | string>((resolve) => {
      const pem = (name: string) => readFileSync(join(pkiDir, name));
      const options = {
        rejectUnauthorized: false,
        ...(client && { cert: pem(`${client}.crt`), key: pem(`${client}.key`) }),
      };
      const path = `https://127.0.0.1:${ports.etcd}/v3/kv/range`;
      const call = request(path, { ...options, method: "POST" }, (response) => resolve(response.resume().statusCode!));
      call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      call.end(JSON.stringify({ key: "L3JlZ2lzdHJ5" }));
    });

  it("lets only the API server read etcd", async () => {
    await assert.rejects(
      fetch(`http://127.0.0.1:${ports.etcd}/v3/kv/range`, { method: "POST" }).then(async (answer) => {
        assert.ok(answer.ok, "plain HTTP is refused");
      }),
    );
    assert.equal(await etcd("etcd-client"), 200);
    for (const other of [undefined, "admin", "apiserver", "kubelet"])
      assert.equal(typeof (await etcd(other)), "string", `etcd answered ${other ?? "nobody"}`);
  });

  it("listens on loopback and its own bridge alone", async () => {
    const pids = Object.keys(daemons(chosenNodes())).flatMap((name) => running(name)?.pid ?? []);
    const { stdout } = await execa("ss", ["-Hltnp"]);
    const open = stdout.split("\n").filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
    assert.ok(open.length > 5, stdout);
    const isOwn = (line: string) => /^(127\.|\[::1\]:)/.test(line) || line.startsWith(`${bridgeAddress}:`);
    assert.deepEqual(
      open.map((line) => line.split(/\s+/)[3]!).filter((address) => !isOwn(address)),
      [],
    );
  });

  it("is closed to other users of the machine: registry, sockets, folders", async () => {
    const connects = async (uid: number) =>
      !(await execa("bash", ["-c", `: < /dev/tcp/127.0.0.1/${ports.registry}`], { uid, cwd: "/", reject: false }))
        .failed;
    assert.deepEqual([await connects(0), await connects(65_534)], [true, false]);
    for (const name of readdirSync(runDir).filter((name) => name.endsWith(".sock")))
      assert.equal(statSync(join(runDir, name)).mode & 0o002, 0, name);
    for (const path of [stateDir, pkiDir, kubeconfigOf("admin")]) assert.equal(statSync(path).mode & 0o077, 0, path);
  });

  it("gives the name server and the volume provisioner no more rights than they need", async () => {
    const may = async (client: string, ...what: string[]) =>
      (
        await execa("kubectl", ["auth", "can-i", ...what, "-A"], {
          env: { ...env, KUBECONFIG: kubeconfigOf(client) },
          reject: false,
        })
      ).stdout === "yes";
    for (const client of ["coredns", "provisioner"]) {
      assert.equal(await may(client, "get", "secrets"), false, client);
      assert.equal(await may(client, "create", "pods"), false, client);
    }
    assert.equal(await may("coredns", "watch", "services"), true);
    assert.equal(await may("provisioner", "create", "persistentvolumes"), true);
  });
});
