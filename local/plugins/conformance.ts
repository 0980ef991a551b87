// What both plugins do, ours and the official ones: each row was read in the official provider's source, or seen with it (DESIGN, section 6).
// test/e2e/local/conformance.test.ts runs the table against ours; with PLUGINS=official, against the official ones of the user's ~/.pulumi.

type Fields = Record<string, unknown>;

/** A resource, a change of its inputs, and what the provider makes of it. */
export interface Row {
  /** Last parts of the Pulumi type, and the name of the resource. */
  type: string;
  name: string;
  before: Fields;
  after: Fields;
  expect: "same" | "update" | "replace";
  source: string;
}

const FORCE_NEW = "pulumi-kubernetes provider/pkg/provider: forceNew tables";
const labels = { app: "conformance" };
const pause = { name: "c", image: "redis:8", command: ["sleep", "3600"] };
const container = { ...pause, resources: { requests: { cpu: "1m" } } };
const end = (script: string) => ({
  metadata: { labels },
  spec: {
    ...{ restartPolicy: "Never", terminationGracePeriodSeconds: 0 },
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
    source: "DESIGN, 6",
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
    name: "service-ports",
    before: { spec: { selector: labels, ports: [{ port: 1 }] } },
    after: { spec: { selector: labels, ports: [{ port: 2 }] } },
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
  { type: "core/v1:Pod", name: "pod-same", before: pod({}), after: pod({}), expect: "same", source: "DESIGN, 6" },
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
    source: "pulumi-kubernetes #1575, research/pulumi.md 0.16",
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
    source: "DESIGN, 6: a finished Job is never run again",
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
    source: "DESIGN, 6: wait: false",
  },
];

/** A resource that cannot become ready or cannot be made, and the error of `up`. */
export interface ErrorRow {
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
                ...{ name: "c", image: "redis:8", command: ["sh", "-c", "echo 2 of 9 items failed; exit 1"] },
                terminationMessagePolicy: "FallbackToLogsOnError",
              },
            ],
          },
        },
      },
    },
    error: /2 of 9 items failed/,
    source: "DESIGN, 6: the last log line, by FallbackToLogsOnError",
  },
  {
    type: "batch/v1:Job",
    name: "job-too-late",
    inputs: { spec: { activeDeadlineSeconds: 2, template: end("sleep 3600") } },
    error: /deadline/i,
    source: "DESIGN, 6: fails fast on DeadlineExceeded",
  },
  {
    type: "core/v1:ConfigMap",
    name: "kube-root-ca.crt",
    inputs: { data: { a: "1" } },
    error: /already exists/,
    source: "pulumi-kubernetes, creates are client-side since 4.29",
  },
];
