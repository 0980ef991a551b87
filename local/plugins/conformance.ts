// What both plugins do, the platform's own and the official ones: each row was read in the official provider's source,
// or seen with it. test/e2e/local/conformance.test.ts runs the table against the platform's; with PLUGINS=official,
// against those of the user's ~/.pulumi.

type Fields = Record<string, unknown>;

/** A resource, a change of its inputs, and what the provider makes of it. */
export interface Row {
  /** Last parts of the Pulumi type, and the name of the resource. */
  type: string;
  name: string;
  before: Fields;
  after: Fields;
  expect: "same" | "update" | "replace";
  /** Paths that the program asks Pulumi to ignore changes of. */
  ignoreChanges?: string[];
  /** Its name is the plugin's choice. */
  autonamed?: boolean;
  /** It belongs to the resource of this name, by an owner reference with its uid. */
  owner?: string;
  source: string;
}

const FORCE_NEW = "provider/pkg/provider/diff.go: forceNew";
const SEEN = "seen with the official plugin";
const labels = { app: "conformance" };
const unawaited = { annotations: { "pulumi.com/skipAwait": "true" } };
const waitFor = (what: string) => ({ metadata: { annotations: { "pulumi.com/waitFor": what } } });
const rbac = "rbac.authorization.k8s.io";
const readJobs = { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get"] };
const pause = { name: "c", image: "redis:8", command: ["sleep", "3600"] };
const container = { ...pause, resources: { requests: { cpu: "1m" } } };
const end = (script: string) => ({
  metadata: { labels },
  spec: {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "c", image: "redis:8", command: ["sh", "-c", script] }],
  },
});
const job = (spec: Fields, script = "true") => ({ spec: { template: end(script), ...spec } });
const pod = (spec: Fields, one: Fields = {}) => ({
  spec: { terminationGracePeriodSeconds: 0, containers: [{ ...container, ...one }], ...spec },
});

export const rows: Row[] = [
  {
    type: "core/v1:Secret",
    name: "secret-same",
    before: { stringData: { a: "1" } },
    after: { stringData: { a: "1" } },
    expect: "same",
    source: SEEN,
  },
  {
    type: "core/v1:Secret",
    name: "secret-data",
    before: { stringData: { a: "1" } },
    after: { stringData: { a: "2" } },
    expect: "replace",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:ConfigMap",
    name: "map-data",
    before: { data: { a: "1" } },
    after: { data: { a: "2" } },
    expect: "replace",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:ConfigMap",
    name: "map-labels",
    before: { metadata: {}, data: { a: "1" } },
    after: { metadata: { labels }, data: { a: "1" } },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:Service",
    name: "service-selector",
    // A selector that no pod has: the official plugin waits for a Service's endpoints. Ports merge in its preview, so
    // none changes here.
    before: { metadata: unawaited, spec: { selector: { app: "none" }, ports: [{ port: 1 }] } },
    after: { metadata: unawaited, spec: { selector: { app: "nobody" }, ports: [{ port: 1 }] } },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: "networking.k8s.io/v1:NetworkPolicy",
    name: "policy-types",
    before: { spec: { podSelector: {}, policyTypes: ["Ingress"] } },
    after: { spec: { podSelector: { matchLabels: labels }, policyTypes: ["Ingress"] } },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:Pod",
    name: "pod-args",
    before: pod({}),
    after: pod({}, { command: ["sleep", "3601"] }),
    expect: "replace",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:Pod",
    name: "pod-labels",
    before: pod({}),
    after: { metadata: { labels }, ...pod({}) },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:Pod",
    name: "pod-waited-for",
    before: { metadata: { annotations: { "pulumi.com/waitFor": "condition=Ready" } }, ...pod({}) },
    after: { metadata: { annotations: { "pulumi.com/waitFor": "condition=Ready" } }, ...pod({}) },
    expect: "same",
    source: "provider/pkg/metadata/overrides.go: ReadyCondition",
  },
  { type: "core/v1:Pod", name: "pod-same", before: pod({}), after: pod({}), expect: "same", source: SEEN },
  {
    type: "batch/v1:Job",
    name: "job-template",
    before: job({}),
    after: job({}, "exit 0"),
    expect: "replace",
    source: FORCE_NEW,
  },
  {
    type: "batch/v1:Job",
    name: "job-parallelism",
    before: job({ parallelism: 1 }),
    after: job({ parallelism: 2 }),
    expect: "replace",
    source: "github.com/pulumi/pulumi-kubernetes/issues/1575",
  },
  {
    type: "batch/v1:Job",
    name: "job-deadline",
    before: job({ activeDeadlineSeconds: 600 }),
    after: job({ activeDeadlineSeconds: 900 }),
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: "batch/v1:Job",
    name: "job-same",
    before: job({}),
    after: job({}),
    expect: "same",
    source: `${SEEN}: a finished Job is not run again`,
  },
  {
    type: "batch/v1:Job",
    name: "job-not-waited-for",
    before: {
      metadata: { annotations: { "pulumi.com/waitFor": "jsonpath={.status.startTime}" } },
      ...job({}, "sleep 3600"),
    },
    after: {
      metadata: { annotations: { "pulumi.com/waitFor": "jsonpath={.status.startTime}" } },
      ...job({}, "sleep 3600"),
    },
    expect: "same",
    source: "provider/pkg/metadata/overrides.go: ReadyCondition",
  },
  {
    type: "batch/v1:Job",
    name: "job-waited-for-by-value",
    before: { ...waitFor("jsonpath={.status.succeeded}=1"), ...job({}) },
    after: { ...waitFor("jsonpath={.status.succeeded}=1"), ...job({}) },
    expect: "same",
    source: "provider/pkg/metadata/overrides.go: ReadyCondition",
  },
  {
    type: "batch/v1:Job",
    name: "job-ignored",
    before: { ...waitFor("jsonpath={.status.startTime}"), ...job({ parallelism: 1 }, "sleep 3600") },
    after: { ...waitFor("jsonpath={.status.startTime}"), ...job({ parallelism: 2 }, "sleep 3600") },
    ignoreChanges: ["spec.parallelism"],
    expect: "same",
    source: SEEN,
  },
  {
    type: "batch/v1:Job",
    name: "job-autonamed",
    before: job({}),
    after: job({}, "exit 0"),
    autonamed: true,
    expect: "replace",
    source: "provider/pkg/metadata/naming.go",
  },
  {
    type: "core/v1:ConfigMap",
    name: "map-autonamed",
    before: { metadata: {}, data: { a: "1" } },
    after: { metadata: { labels }, data: { a: "1" } },
    autonamed: true,
    expect: "update",
    source: "provider/pkg/metadata/naming.go: an automatic name stays",
  },
  {
    type: "core/v1:ConfigMap",
    name: "map-owned",
    before: { data: { a: "1" } },
    after: { data: { a: "1" } },
    owner: "job-same",
    expect: "same",
    source: SEEN,
  },
  {
    type: "core/v1:ServiceAccount",
    name: "account",
    before: { automountServiceAccountToken: false },
    after: { automountServiceAccountToken: true },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: `${rbac}/v1:Role`,
    name: "role",
    before: { rules: [readJobs] },
    after: { rules: [{ ...readJobs, verbs: ["get", "patch"] }] },
    expect: "update",
    source: FORCE_NEW,
  },
  {
    type: `${rbac}/v1:RoleBinding`,
    name: "binding",
    before: {
      roleRef: { apiGroup: rbac, kind: "Role", name: "role" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
    },
    after: {
      roleRef: { apiGroup: rbac, kind: "Role", name: "another" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
    },
    expect: "replace",
    source: FORCE_NEW,
  },
  {
    type: "core/v1:Namespace",
    name: "conformance-namespace",
    before: { metadata: {} },
    after: { metadata: { labels } },
    expect: "update",
    source: FORCE_NEW,
  },
];

/** A resource that cannot become ready or cannot be made, and the error of `up`. */
export interface ErrorRow {
  /** Refused in the preview already. */
  inPreview?: boolean;
  type: string;
  name: string;
  inputs: Fields;
  error: RegExp;
  source: string;
}

export const errors: ErrorRow[] = [
  {
    type: "batch/v1:Job",
    name: "job-fails",
    inputs: {
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: "Never",
            containers: [
              {
                name: "c",
                image: "redis:8",
                command: ["sh", "-c", "echo 2 of 9 items failed; exit 1"],
                terminationMessagePolicy: "FallbackToLogsOnError",
              },
            ],
          },
        },
      },
    },
    error: /2 of 9 items failed/,
    source: "provider/pkg/await/job.go: the last line, by FallbackToLogsOnError",
  },
  {
    type: "batch/v1:Job",
    name: "job-too-late",
    inputs: { spec: { activeDeadlineSeconds: 2, template: end("sleep 3600") } },
    error: /deadline/i,
    source: "provider/pkg/await/job.go: DeadlineExceeded",
  },
  {
    type: "core/v1:ConfigMap",
    name: "kube-root-ca.crt",
    inputs: { data: { a: "1" } },
    error: /already exists/,
    source: "pulumi-kubernetes, creates are client-side since 4.29",
  },
  {
    type: "core/v1:Pod",
    name: "pod-invalid",
    inputs: { spec: { containers: [{ ...pause, resources: { limits: { memory: "lots" } } }] } },
    inPreview: true,
    error: /quantities must match the regular expression/,
    source: "provider/pkg/provider/provider.go: Create asks the API server in a preview, too",
  },
];
