import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { envVars, type JobShared, makeJob } from "./job.ts";
import { labels, names } from "../naming.ts";
import type { Made } from "../types.ts";

/** Arguments of {@link WorkerJob}. Durations are ms. */
export interface WorkerJobArgs {
  shared: JobShared;
  /** Pods, and items at a time in each. */
  parallelism: number;
  concurrency: number;
  /** Run once per item, instead of the image's handler. */
  command?: string[];
  /** Seconds; for the shipped handler. */
  workSeconds: number;
  maxAttempts: number;
  backoff: { min: number; max: number };
  itemTimeout: number;
  lease: number;
  maxFailures?: number;
  maxResultBytes: number;
  keepResults: string;
  keepLogs: string;
  activeDeadline: number;
  gracePeriod: number;
  /** `up` waits for the end. */
  wait: boolean;
  /** A changed value runs it again. */
  run: string;
  resources?: Record<string, unknown>;
  nodeSelector?: Record<string, string>;
  tolerations?: Record<string, unknown>[];
  priorityClass?: string;
  env: Record<string, string>;
  secretEnv?: pulumi.Output<Record<string, string>>;
  serviceAccountName?: string;
  /** What holds the data, and the seeding: with another, the workers start anew. */
  after: Made[];
  dependsOn: pulumi.Resource[];
}

/** The queue bounds attempts and failures; Kubernetes would delete pods, with their logs, and count restarts of all of them together. */
const BACKOFF_LIMIT = 1_000_000;
/** Between what the worker gives its items and the end of its pod, ms. */
const MARGIN = 5_000;

/** The parallel Job `job-wq-2`: pods that take items until the queue is provably finished. `completions` is unset, as on the page. */
export class WorkerJob extends pulumi.ComponentResource {
  readonly job: k8s.batch.v1.Job;

  /**
   * @param name Name of the component; its children are named after it.
   * @param args How the work is done.
   * @param opts Options of the component.
   */
  constructor(name: string, args: WorkerJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workqueue:index:WorkerJob", name, {}, opts);
    const { shared } = args;
    const secret =
      args.secretEnv &&
      new k8s.core.v1.Secret(
        `${name}-env`,
        {
          metadata: {
            name: `${names.worker}-env`,
            namespace: shared.namespace,
            labels: labels("worker", shared.queue),
          },
          stringData: args.secretEnv,
        },
        { parent: this, deleteBeforeReplace: true },
      );
    this.job = makeJob(
      `${name}-job`,
      {
        name: names.worker,
        part: "worker",
        shared,
        program: "worker",
        deadline: args.activeDeadline,
        trigger: [args.run],
        after: args.after,
        annotations: args.wait
          ? { "pulumi.com/replaceUnready": "true" }
          : { "pulumi.com/waitFor": "jsonpath={.status.startTime}" },
        spec: { parallelism: args.parallelism, backoffLimit: BACKOFF_LIMIT },
        pod: {
          restartPolicy: "OnFailure",
          terminationGracePeriodSeconds: Math.ceil((args.gracePeriod + MARGIN) / 1000),
          // What a command leaves behind is reaped by the pod's own first process.
          ...(args.command && { shareProcessNamespace: true }),
          ...(args.nodeSelector && { nodeSelector: args.nodeSelector }),
          ...(args.tolerations && { tolerations: args.tolerations }),
          ...(args.priorityClass && { priorityClassName: args.priorityClass }),
          ...(args.serviceAccountName && {
            serviceAccountName: args.serviceAccountName,
            automountServiceAccountToken: true,
          }),
        },
        container: {
          resources: args.resources ?? { requests: { cpu: "100m", memory: "128Mi" } },
          livenessProbe: {
            exec: { command: ["node", "/app/bin/livenessProbe.js"] },
            initialDelaySeconds: 30,
            periodSeconds: 30,
            timeoutSeconds: 10,
          },
          ...(secret && { envFrom: [{ secretRef: { name: secret.metadata.name } }] }),
        },
        env: [
          ...envVars(args.env),
          ...envVars({
            WQ_CONCURRENCY: args.concurrency,
            WQ_MAX_ATTEMPTS: args.maxAttempts,
            WQ_BACKOFF_MIN: args.backoff.min,
            WQ_BACKOFF_MAX: args.backoff.max,
            WQ_ITEM_TIMEOUT: args.itemTimeout,
            WQ_LEASE: args.lease,
            WQ_GRACE: args.gracePeriod,
            WQ_MAX_FAILURES: args.maxFailures,
            WQ_MAX_RESULT_BYTES: args.maxResultBytes,
            WQ_KEEP_RESULTS: args.keepResults,
            WQ_KEEP_LOGS: args.keepLogs,
            WQ_COMMAND: args.command && JSON.stringify(args.command),
            WQ_WORK_SECONDS: args.workSeconds,
          }),
        ],
      },
      { parent: this, dependsOn: args.dependsOn },
    );
    this.registerOutputs({});
  }
}
