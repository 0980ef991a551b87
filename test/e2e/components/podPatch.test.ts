// The merge of `pod`, compared with that of the API server for `kubectl patch --type=strategic`.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strategicMerge } from "../../../components/podPatch.ts";
import { kubectl, onPlatform } from "../../support/platform.ts";

type Tree = Record<string, unknown>;

const base: Tree = {
  metadata: { labels: { app: "x", keep: "y" }, annotations: { note: "a" } },
  spec: {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 15,
    nodeSelector: { disk: "ssd", zone: "a" },
    tolerations: [{ key: "gpu", operator: "Exists" }],
    imagePullSecrets: [{ name: "one" }],
    hostAliases: [{ ip: "10.0.0.1", hostnames: ["a"] }],
    topologySpreadConstraints: [
      {
        topologyKey: "zone",
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { app: "x" } },
      },
    ],
    securityContext: { runAsUser: 1000, supplementalGroups: [1, 2] },
    volumes: [
      { name: "tmp", emptyDir: {} },
      { name: "code", configMap: { name: "code", items: [{ key: "a", path: "a" }] } },
    ],
    initContainers: [{ name: "init", image: "i:1", command: ["true"] }],
    containers: [
      {
        name: "c",
        image: "i:1",
        command: ["node", "worker.js"],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
        ports: [{ containerPort: 80, name: "http" }],
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "1Gi" } },
        securityContext: { capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
        volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        envFrom: [{ secretRef: { name: "s" } }],
      },
    ],
  },
};

const container = (fields: Tree) => ({ spec: { containers: [{ name: "c", ...fields }] } });

const patches: [title: string, patch: Tree][] = [
  ["nothing", {}],
  ["a label that is new, and one that changes", { metadata: { labels: { team: "v", keep: "z" } } }],
  ["a label that goes", { metadata: { labels: { keep: null } } }],
  ["an annotation", { metadata: { annotations: { "karpenter.sh/do-not-disrupt": "true" } } }],
  ["a scalar", { spec: { terminationGracePeriodSeconds: 60 } }],
  ["a scalar that goes", { spec: { terminationGracePeriodSeconds: null } }],
  ["a runtime class and a priority", { spec: { runtimeClassName: "nvidia", priorityClassName: "high" } }],
  ["a node selector", { spec: { nodeSelector: { zone: "b", gpu: "yes" } } }],
  ["a node selector that is replaced", { spec: { nodeSelector: { $patch: "replace", gpu: "yes" } } }],
  ["tolerations, which are replaced", { spec: { tolerations: [{ key: "spot", operator: "Exists" }] } }],
  ["a pull Secret", { spec: { imagePullSecrets: [{ name: "two" }] } }],
  ["a host alias of an address that is there", { spec: { hostAliases: [{ ip: "10.0.0.1", hostnames: ["b"] }] } }],
  [
    "a spread over another topology",
    { spec: { topologySpreadConstraints: [{ topologyKey: "host", maxSkew: 2, whenUnsatisfiable: "DoNotSchedule" }] } },
  ],
  [
    "affinity",
    {
      spec: {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "gpu", operator: "Exists" }] }],
            },
          },
        },
      },
    },
  ],
  ["groups, which are replaced", { spec: { securityContext: { supplementalGroups: [3] } } }],
  [
    "a volume and its mount",
    {
      spec: {
        volumes: [{ name: "films", persistentVolumeClaim: { claimName: "films" } }],
        containers: [{ name: "c", volumeMounts: [{ name: "films", mountPath: "/films" }] }],
      },
    },
  ],
  ["a size for a volume that is there", { spec: { volumes: [{ name: "tmp", emptyDir: { sizeLimit: "1Gi" } }] } }],
  [
    "another kind of a volume",
    { spec: { volumes: [{ name: "tmp", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }] } },
  ],
  ["a volume that goes", { spec: { volumes: [{ name: "code", $patch: "delete" }] } }],
  [
    "all volumes replaced",
    { spec: { volumes: [{ $patch: "replace" }, { name: "tmp", emptyDir: { medium: "Memory" } }] } },
  ],
  [
    "items of a ConfigMap volume, which are replaced",
    { spec: { volumes: [{ name: "code", configMap: { items: [{ key: "b", path: "b" }] } }] } },
  ],
  [
    "a variable that is new, and one that changes",
    container({
      env: [
        { name: "B", value: "3" },
        { name: "C", value: "4" },
      ],
    }),
  ],
  ["a variable that goes", container({ env: [{ name: "A", $patch: "delete" }] })],
  ["variables from elsewhere, which are replaced", container({ envFrom: [{ configMapRef: { name: "m" } }] })],
  ["a port", container({ ports: [{ containerPort: 9090, name: "metrics" }] })],
  ["the name of a port", container({ ports: [{ containerPort: 80, name: "web" }] })],
  ["resources", container({ resources: { limits: { "nvidia.com/gpu": "1" }, requests: { memory: "512Mi" } } })],
  ["a request that goes", container({ resources: { requests: { cpu: null } } })],
  [
    "a looser security context",
    container({ securityContext: { readOnlyRootFilesystem: false, capabilities: { drop: [] } } }),
  ],
  [
    "a mount at a path that is there",
    container({ volumeMounts: [{ name: "code", mountPath: "/tmp", readOnly: true }] }),
  ],
  ["a sidecar", { spec: { initContainers: [{ name: "proxy", image: "p:1", restartPolicy: "Always" }] } }],
  ["a container beside it", { spec: { containers: [{ name: "beside", image: "p:1" }] } }],
  [
    "two containers, one of them there",
    {
      spec: {
        containers: [
          { name: "beside", image: "p:1" },
          { name: "c", tty: true },
        ],
      },
    },
  ],
];

describe("a patch of the pod", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-patch-"));
  const name = `patch-${process.pid}`;
  const write = (file: string, template: unknown) => {
    const path = join(dir, file);
    writeFileSync(path, JSON.stringify({ apiVersion: "v1", kind: "PodTemplate", metadata: { name }, template }));
    return path;
  };
  const template = (json: string) => (JSON.parse(json) as { template: Tree }).template;

  onPlatform(async () => {
    await kubectl("create", "-f", write("base.json", base));
  });
  after(async () => {
    await kubectl("delete", "podtemplate", name);
    rmSync(dir, { recursive: true });
  });

  for (const [title, patch] of patches) {
    it(`merges ${title} as the API server does`, async () => {
      const patched = await kubectl(
        "patch",
        "podtemplate",
        name,
        "--type=strategic",
        "--dry-run=server",
        "-o",
        "json",
        "-p",
        JSON.stringify({ template: patch }),
      );
      const merged = strategicMerge(base, patch);
      // In both cases, the API server fills in its defaults.
      const ours = await kubectl("replace", "--dry-run=server", "-o", "json", "-f", write("merged.json", merged));
      assert.deepEqual(template(ours), template(patched));
    });
  }
});
