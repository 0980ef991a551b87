import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { V1Job } from "@kubernetes/client-node";
import type { Cluster } from "../../../../cli/stack/cluster.ts";
import { openRelay, relayPodOf, relayScript } from "../../../../cli/stack/relayPod.ts";

const job: V1Job = {
  metadata: { name: "thumbs-supervisor", uid: "u1" },
  spec: {
    template: {
      metadata: { labels: { "batch.kubernetes.io/controller-uid": "u1", "job-name": "thumbs-supervisor" } },
      spec: {
        restartPolicy: "OnFailure",
        imagePullSecrets: [{ name: "registry" }],
        securityContext: { runAsUser: 1000 },
        serviceAccountName: "pusher",
        automountServiceAccountToken: true,
        hostNetwork: true,
        volumes: [
          { name: "tmp", emptyDir: {} },
          { name: "claim-films", persistentVolumeClaim: { claimName: "films" } },
        ],
        initContainers: [{ name: "login" }, { name: "node", image: "node:24-slim" }],
        containers: [
          { name: "mesh", image: "envoy" },
          {
            name: "c",
            image: "thumbs@sha256:1",
            command: ["/node/node", "/job-wq-2/code/bin/supervisor.js"],
            env: [
              { name: "WQ_REDIS_URL", valueFrom: { secretKeyRef: { name: "redis-url", key: "url" } } },
              { name: "TOKEN", value: "x" },
            ],
            envFrom: [{ secretRef: { name: "thumbs-env" } }],
            livenessProbe: { httpGet: { port: 1 } },
            readinessProbe: { httpGet: { port: 1 } },
            lifecycle: { preStop: { exec: { command: ["x"] } } },
            securityContext: { readOnlyRootFilesystem: true },
            volumeMounts: [
              { name: "tmp", mountPath: "/tmp" },
              { name: "claim-films", mountPath: "/films" },
            ],
          },
        ],
      },
    },
  },
};

describe("relayPodOf", () => {
  const pod = relayPodOf(job);
  const [container, ...others] = pod.spec!.containers;

  it("runs the image of the Job, with its rights and its Redis, and nothing but the relay", () => {
    assert.deepEqual(others, []);
    const { command, resources, imagePullPolicy: _policy, ...rest } = container!;
    assert.deepEqual(command!.slice(0, 2), ["/node/node", "-e"]);
    assert.equal(resources!.limits!.memory, "128Mi");
    const { name, image, env, securityContext, volumeMounts } = job.spec!.template.spec!.containers[1]!;
    const needed = { env: [env![0]], volumeMounts: [volumeMounts![0]] };
    assert.deepEqual(rest, { name, image, securityContext, workingDir: "/", ...needed });
    const { serviceAccountName, automountServiceAccountToken, hostNetwork, volumes, initContainers } = pod.spec!;
    assert.deepEqual([serviceAccountName, automountServiceAccountToken, hostNetwork], [undefined, false, undefined]);
    assert.deepEqual(volumes, [{ name: "tmp", emptyDir: {} }]);
    assert.deepEqual(
      initContainers!.map(({ name }) => name),
      ["node"],
    );
    assert.deepEqual(pod.spec!.securityContext, { runAsUser: 1000 });
    assert.deepEqual(pod.spec!.imagePullSecrets, [{ name: "registry" }]);
  });

  it("keeps meshes out, and has the labels that the namespace asks for", () => {
    const metadata = {
      labels: { ...job.spec!.template.metadata!.labels, team: "a", "sidecar.istio.io/inject": "false" },
      annotations: { "linkerd.io/inject": "disabled" },
    };
    const { labels, annotations } = relayPodOf({
      ...job,
      spec: { ...job.spec!, template: { ...job.spec!.template, metadata } },
    }).metadata!;
    assert.deepEqual(labels, {
      team: "a",
      "sidecar.istio.io/inject": "false",
      "app.kubernetes.io/name": "job-wq-2",
      "app.kubernetes.io/component": "relay",
    });
    assert.deepEqual(annotations, { "linkerd.io/inject": "disabled" });
  });

  it("is no pod of the Job, goes with it, and ends by itself", () => {
    assert.deepEqual(Object.keys(pod.metadata!.labels!), ["app.kubernetes.io/name", "app.kubernetes.io/component"]);
    assert.deepEqual(pod.metadata!.ownerReferences, [
      { apiVersion: "batch/v1", kind: "Job", name: "thumbs-supervisor", uid: "u1" },
    ]);
    assert.deepEqual([pod.spec!.restartPolicy, pod.spec!.activeDeadlineSeconds], ["Never", 3_600]);
  });
});

describe("openRelay", () => {
  it("removes its pod if the phase of the pod cannot be read", async () => {
    const calls: string[] = [];
    const cluster = {
      runningPod: async () => undefined,
      readJob: async (name: string) => (name === "gone" ? undefined : job),
      createPod: async () => "relay-1",
      phase: async () => {
        throw new Error("the API server went away");
      },
      deletePod: async (pod: string) => calls.push(pod),
    } as unknown as Cluster;
    await assert.rejects(openRelay(cluster, ["gone", "there"]), { message: "the API server went away" });
    assert.deepEqual(calls, ["relay-1"]);
  });
});

describe("the relay in such a pod", () => {
  it("goes to the Service's address if the name of Redis does not resolve", async () => {
    const upstream = createServer((socket) => socket.pipe(socket)).listen(0, "::1");
    await once(upstream, "listening");
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    const env = {
      WQ_REDIS_URL: `redis://redis.invalid:${(upstream.address() as AddressInfo).port}`,
      WQ_REDIS_HOST: "::1",
    };
    const relay = spawn(process.execPath, ["-e", relayScript(port)], { env });
    after(() => [relay.kill(), upstream.close()]);
    const answer = async (): Promise<string> => {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      socket.write("PING");
      const [data] = (await Promise.race([once(socket, "data"), once(socket, "close")])) as [unknown];
      socket.destroy();
      return data instanceof Buffer ? data.toString() : "";
    };
    while ((await answer().catch(() => "")) !== "PING") await sleep(50);
  });
});
