// Runs first: it waits for a minute.
// Full run only: clusters with rules of their own.
// Namespaces that do not admit every pod. Defaults run in them, and a refused pod is an error of `up` within seconds.
import assert from "node:assert/strict";
import { execa } from "execa";
import { sideBySide } from "../../support/sideBySide.ts";
import { environment, onPlatform } from "../../support/platform.ts";
import { TestStack, type Settings } from "../../support/stack.ts";

async function apply(...objects: object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  await execa("kubectl", ["apply", "-f", "-"], { env: environment(), input: list });
}

/** The only registry that is trusted, and the first user id of a namespace. */
const OURS = "127.0.0.1:5000/library/";
const USER = 1_000_650_000;
const containers = "(object.spec.containers + object.spec.?initContainers.orValue([]))";

describe("a namespace with rules", () => {
  const made: TestStack[] = [];

  onPlatform();
  const alongside = sideBySide(4);
  after(() => Promise.all(made.map((stack) => stack.remove())));

  /** A stack in a namespace that existed before, with these objects in it. */
  async function stackIn(settings: Settings, labels: Record<string, string>, ...objects: object[]): Promise<TestStack> {
    const stack = new TestStack({ imageName: undefined, createNamespace: false, ...settings });
    made.push(stack);
    await stack.init();
    const { namespace } = stack;
    const inside = objects.map((object) => ({ ...object, metadata: { name: "rule", namespace } }));
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } }, ...inside);
    return stack;
  }

  const quota = (hard: Record<string, string>) => ({ apiVersion: "v1", kind: "ResourceQuota", spec: { hard } });

  /** Asserts that `up` fails with this line, long before a deadline (of the seeding a quarter of an hour). */
  async function refused(stack: TestStack, settings: Settings, line: RegExp): Promise<void> {
    const { ok, text } = await stack.up(settings);
    assert.ok(!ok, text);
    assert.match(text, line);
  }

  alongside(
    "with a quota on requests and limits, and a LimitRange, admits a pipeline of default settings",
    async () => {
      const hard = { "requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "8", "limits.memory": "4Gi" };
      const limits = [
        { type: "Container", default: { cpu: "500m", memory: "256Mi" }, min: { cpu: "10m" }, max: { cpu: "4" } },
      ];
      const range = { apiVersion: "v1", kind: "LimitRange", spec: { limits } };
      const stack = await stackIn({}, {}, quota(hard), range);
      await stack.mustUp();
      assert.equal((await stack.items()).length, 9);
      await refused(
        stack,
        { resources: { requests: { cpu: "3", memory: "64Mi" }, limits: { cpu: "3", memory: "64Mi" } }, run: "2" },
        /error: Job job-wq-2 gets no pod: pods "job-wq-2-\w+" is forbidden: exceeded quota: rule, requested: .*requests\.cpu=3/,
      );
    },
  );

  alongside("with no room for Redis says so in the API server's words", async () => {
    const stack = await stackIn({ redisStorage: "64Mi" }, {}, quota({ "requests.memory": "16Mi" }));
    await refused(stack, {}, /error: Redis redis gets no pod: .*exceeded quota: rule/);
  });

  alongside("that enforces `restricted` refuses a loosened pod before anything is created", async () => {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    const stack = await stackIn({}, labels);
    const loosened = {
      spec: { containers: [{ name: "c", securityContext: { privileged: true, allowPrivilegeEscalation: true } }] },
    };
    await refused(
      stack,
      { pod: loosened },
      /error: Batch job-wq-2: `pod` is refused in namespace \S+: violates PodSecurity "restricted:latest": privileged \(container "c" must not set securityContext\.privileged=true\)/,
    );
    assert.equal(await stack.kubectl("get", "secrets,pods,jobs", "-o", "name"), "");
  });

  alongside("without the ServiceAccount of the workers, or with policies against them, says so", async () => {
    const stack = await stackIn({}, {});
    await refused(
      stack,
      { serviceAccountName: "nobody" },
      /Job job-wq-2 gets no pod: .*serviceaccount "nobody" not found/,
    );

    const { namespace } = stack;
    const policy = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: namespace },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
        },
        validations: [
          { expression: "'team' in object.metadata.labels", message: "pods need the label team" },
          { expression: `${containers}.all(c, c.image.startsWith('${OURS}'))`, message: "images are ours" },
          // OpenShift's `restricted-v2` has this rule.
          {
            expression: ["runAsUser", "fsGroup"]
              .map((field) => `object.spec.securityContext.?${field}.orValue(${USER}) >= ${USER}`)
              .join(" && "),
            message: "user ids begin at those of the namespace",
          },
        ],
      },
    };
    const spec = { policyName: namespace, validationActions: ["Deny"] };
    await apply(policy, { ...policy, kind: "ValidatingAdmissionPolicyBinding", spec });
    try {
      const denied = /Job job-wq-2-seed gets no pod: .*pods need the label team/;
      await refused(stack, { serviceAccountName: undefined, run: "2" }, denied);
      const user = { runAsUser: USER, runAsGroup: USER, fsGroup: USER };
      const settings = {
        labels: { team: "blue" },
        baseImage: `${OURS}python:3-slim`,
        nodeImage: `${OURS}node:24-slim`,
        command: ["python3", "-c", "print(1)"],
        redisImage: `${OURS}redis:8`,
      };
      await refused(stack, settings, /denied request: user ids begin at those of the namespace/);
      await stack.mustUp({ runAsUser: USER, redisPod: { spec: { securityContext: user } } });
      assert.match(await stack.verdict(), /all 9 items done/);
    } finally {
      for (const kind of ["validatingadmissionpolicybinding", "validatingadmissionpolicy"])
        await stack.kubectl("delete", kind, namespace);
    }
  });

  alongside("says after a minute that no node fits, and goes on waiting", async () => {
    const stack = await stackIn({ items: ["a"] }, {});
    stack.set({ nodeSelector: { planet: "mars" } });
    const up = stack.start("up", "--yes", "--skip-preview");
    let output = "";
    await new Promise<void>((resolve) => {
      up.all.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (/warning: Pod job-wq-2-\w+ waits for a node: 0\/\d nodes are available/.test(output)) resolve();
      });
      void up.then(() => resolve());
    });
    assert.match(output, /waits for a node: .*didn't match Pod's node affinity\/selector/);
    up.kill("SIGINT");
    await up;
  });

  alongside("says that the image of Redis cannot be pulled", async () => {
    const stack = await stackIn({ redisImage: "127.0.0.1:5000/no-such-redis:8" }, {});
    await refused(stack, {}, /error: The cluster cannot pull 127\.0\.0\.1:5000\/no-such-redis:8: .*not found/);
  });
});
