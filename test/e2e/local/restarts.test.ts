// Runs alone: it restarts the platform.
// Full run only: it takes minutes, and each `npm start` begins so.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { pollUntil } from "../../../kube/poll.ts";
import { unmountBelow } from "../../../local/down.ts";
import { cgroupProcesses, removeCgroup } from "../../../local/node/cgroups.ts";
import { running } from "../../../local/node/daemon.ts";
import { removeNetwork } from "../../../local/node/network.ts";
import { allNodes, chosenNodes } from "../../../local/node/nodes.ts";
import { containerProcesses, kill } from "../../../local/node/processes.ts";
import { daemons } from "../../../local/node/daemons.ts";
import { runDir, stateDir } from "../../../local/paths.ts";
import { leftovers } from "../../support/leftovers.ts";
import { killNode, nodeNames } from "../../support/nodes.ts";
import { platform, platformVariables } from "../../support/platform.ts";

const namespace = `platform-test-${process.pid}`;

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

describe("the local platform", function () {
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
  const ping = (timeoutMs = 15_000) =>
    pollUntil(() => inClient("redis-cli", "-h", "server", "ping").catch(() => ""), {
      timeoutMs,
      intervalMs: 200,
    });
  const inClient = (...command: string[]) => kubectl(["exec", "-n", namespace, "client", "--", ...command]);

  it("comes back after a kill -9 of the kubelet and of the API server", async () => {
    for (const name of ["kubelet", "apiserver"]) process.kill(running(name)!.pid, "SIGKILL");
    await sleep(200);
    assert.equal((await platform("status")).exitCode, 1);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    assert.match(up.all, /kubelet: started/);
    assert.equal(await ping(), "PONG");
  });

  it("does not make the machine route packets of others to loopback", async () => {
    const file = "/proc/sys/net/ipv4/conf/all/route_localnet";
    const found = readFileSync(file, "utf8");
    try {
      writeFileSync(file, "0");
      process.kill(running("proxy")!.pid, "SIGKILL");
      const up = await platform("up");
      assert.match(up.all, /proxy: started/);
      assert.equal(await ping(), "PONG");
      assert.equal(readFileSync(file, "utf8").trim(), "0");
    } finally {
      writeFileSync(file, found);
    }
  });

  it("comes back with its pods if all of it ended at once, as in a container that is started anew", async () => {
    await kill(Object.keys(daemons(chosenNodes())).flatMap((name) => running(name)?.pid ?? []));
    for (const node of allNodes) await kill([...containerProcesses(node.socket), ...cgroupProcesses(node.cgroup)]);
    // Files stay, also those below /run.
    await unmountBelow(stateDir, runDir);
    await removeNetwork();
    for (const { cgroup } of allNodes) removeCgroup(cgroup);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    assert.equal(await ping(60_000), "PONG");
    const { exitCode, all } = await execa("docker", ["build", "-"], { env, input: "FROM redis:8", all: true });
    assert.equal(exitCode, 0, all);
  });

  it("lets a second `up` wait, and say so", async () => {
    const [first, second] = await Promise.all([platform("up"), platform("up")]);
    assert.deepEqual([first.exitCode, second.exitCode], [0, 0]);
    assert.match(`${first.all}${second.all}`, /another `platform` command is at work on this machine; waiting for it/);
  });

  it("leaves no process, mount, link, rule or cgroup behind when it goes, twice, and comes back with its pods", async () => {
    const forwarding = "/proc/sys/net/ipv4/ip_forward";
    const found = readFileSync(forwarding, "utf8");
    for (let turn = 0; turn < 2; turn++) {
      // A killed node leaves nothing behind, either.
      if (turn === 1) await killNode(nodeNames[1]!);
      const down = await platform("down");
      assert.equal(down.exitCode, 0, down.all);
      assert.deepEqual(await leftovers(), []);
      // These are rules of another Kubernetes.
      await execa("iptables", ["-N", "KUBE-FOREIGN"]);
      assert.equal((await platform("down")).exitCode, 0);
      await execa("iptables", ["-X", "KUBE-FOREIGN"]);
      if (turn > 0) assert.equal(readFileSync(forwarding, "utf8").trim(), "0", "as it was found");
      writeFileSync(forwarding, "0");
      // The pid file of a killed engine names a pid that another process has by now.
      mkdirSync(runDir, { recursive: true });
      writeFileSync(join(runDir, "docker.pid"), String(process.pid));
      const up = await platform("up");
      assert.equal(up.exitCode, 0, up.all);
      await kubectl(["wait", "-n", namespace, "--for=condition=ready", "pod", "--all", "--timeout=120s"]);
    }
    writeFileSync(forwarding, found);
  });
});
