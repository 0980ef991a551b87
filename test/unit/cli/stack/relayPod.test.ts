import assert from "node:assert/strict";
import type { V1Job } from "@kubernetes/client-node";
import { relayPodOf } from "../../../../cli/stack/relayPod.ts";

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
    assert.deepEqual(rest, { name, image, securityContext, ...needed });
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

  it("is no pod of the Job, goes with it, and ends by itself", () => {
    assert.deepEqual(Object.keys(pod.metadata!.labels!), ["app.kubernetes.io/name", "app.kubernetes.io/component"]);
    assert.deepEqual(pod.metadata!.ownerReferences, [
      { apiVersion: "batch/v1", kind: "Job", name: "thumbs-supervisor", uid: "u1" },
    ]);
    assert.deepEqual([pod.spec!.restartPolicy, pod.spec!.activeDeadlineSeconds], ["Never", 3_600]);
  });
});
