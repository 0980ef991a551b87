import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { bridge, pidDir, runDir, stateDir } from "../../../local/paths.ts";
import { platform, platformUp } from "../../support/platform.ts";

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

const pid = (name: string) => (JSON.parse(readFileSync(join(pidDir, `${name}.json`), "utf8")) as { pid: number }).pid;

/** What of the platform is left on the machine: processes, mounts, links and rules. */
async function leftovers(): Promise<string[]> {
  const found: string[] = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      const ours = line.includes(stateDir) || line.includes(runDir);
      if (ours && !line.includes("platform.ts") && !line.startsWith("sh ")) found.push(`process ${line}`);
    } catch {
      // it ended meanwhile
    }
  }
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    if (line.includes(` ${stateDir}/`) || line.includes(` ${runDir}/`)) found.push(`mount ${line}`);
  }
  if ((await execa("ip", ["link", "show", bridge], { reject: false })).exitCode === 0) found.push("bridge");
  const { stdout } = await execa("iptables-save", { reject: false });
  for (const line of stdout?.split("\n") ?? []) if (/KUBE-|name: .?"job-wq-2/.test(line)) found.push(`rule ${line}`);
  return found;
}

describe("the local platform", function () {
  this.timeout(30 * 60_000);
  let env: Record<string, string>;
  const kubectl = async (args: string[], input?: string) =>
    (await execa("kubectl", args, { env, ...(input ? { input } : {}) })).stdout;

  before(async () => {
    env = await platformUp();
    await kubectl(["apply", "-f", "-"], manifest);
    await kubectl(["wait", "-n", namespace, "--for=condition=ready", "pod", "--all", "--timeout=120s"]);
  });
  after(() => kubectl(["delete", "namespace", namespace, "--wait=false"]));

  /** Through the Service, once kube-proxy has heard of the pod. */
  const ping = async () => {
    for (const end = Date.now() + 15_000; ; await sleep(200)) {
      try {
        return await inClient("redis-cli", "-h", "server", "ping");
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  };
  const inClient = (...command: string[]) => kubectl(["exec", "-n", namespace, "client", "--", ...command]);

  it("runs a pod from `redis:8`, whose log and shell answer", async () => {
    assert.match(await kubectl(["logs", "-n", namespace, "server"]), /Ready to accept connections/);
    assert.equal(await kubectl(["exec", "-n", namespace, "server", "--", "redis-cli", "ping"]), "PONG");
  });

  it("resolves Services by name from inside a pod, and reaches another pod through one", async () => {
    assert.match(await inClient("getent", "hosts", "kubernetes.default"), /^10\.96\.0\.1\s/);
    assert.equal(await ping(), "PONG");
  });

  it("says of each part that it runs", async () => {
    const { stdout, exitCode } = await platform("status");
    assert.equal(exitCode, 0);
    for (const part of ["containerd", "docker-registry", "etcd", "apiserver", "kubelet", "proxy", "coredns"]) {
      assert.match(stdout, new RegExp(`│ ${part} +│ running `));
    }
  });

  it("comes back after a kill -9 of the kubelet and of the API server", async () => {
    for (const name of ["kubelet", "apiserver"]) process.kill(pid(name), "SIGKILL");
    await sleep(200);
    assert.equal((await platform("status")).exitCode, 1);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    assert.match(up.all, /kubelet: started/);
    assert.equal(await ping(), "PONG");
  });

  it("lets a second `up` wait, and say so", async () => {
    const [first, second] = await Promise.all([platform("up"), platform("up")]);
    assert.deepEqual([first.exitCode, second.exitCode], [0, 0]);
    assert.match(`${first.all}${second.all}`, /another `platform` command is at work on this machine; waiting for it/);
  });

  it("leaves no process, mount, bridge or rule behind when it goes, and comes back with its pods", async () => {
    const down = await platform("down");
    assert.equal(down.exitCode, 0, down.all);
    assert.deepEqual(await leftovers(), []);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    await kubectl(["wait", "-n", namespace, "--for=condition=ready", "pod/server", "--timeout=120s"]);
  });
});
