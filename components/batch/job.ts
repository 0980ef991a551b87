// What the three Jobs share.
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { labels } from "../naming.ts";
import { containerSecurity, podSecurity } from "../podSecurity.ts";
import type { EnvVar, Made } from "../types.ts";
import type { RunnableImage } from "../image/workerImage.ts";

/** What all Jobs of a stack have in common. */
export interface JobShared {
  namespace: pulumi.Input<string>;
  queue: string;
  /** `project/stack`. */
  owner: string;
  image: RunnableImage;
  /** Names of Secrets to pull it with. */
  pullSecrets: string[];
  /** Where Redis is. */
  redisEnv: EnvVar[];
  runAsUser: number;
  logFormat: "text" | "json";
}

/** What one of them is. */
export interface JobArgs {
  name: string;
  part: string;
  shared: JobShared;
  /** Program of the image (worker/README.md), and options of Node.js for it. */
  program: string;
  nodeOptions?: string[];
  env: EnvVar[];
  /** How long it may run in all, ms. */
  deadline: number;
  /** Changes of these run it again. */
  trigger: pulumi.Input<unknown>[];
  /** What it follows: where one of these is another than before, it runs again. */
  after: Made[];
  annotations?: Record<string, string>;
  spec?: Partial<k8s.types.input.batch.v1.JobSpec>;
  pod?: Partial<k8s.types.input.core.v1.PodSpec>;
  container?: Partial<k8s.types.input.core.v1.Container>;
  volumes?: k8s.types.input.core.v1.Volume[];
}

/** Variables of the downward API. */
const fromField = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** A Job of the image, under a fixed name, admitted by Pod Security `restricted`. */
export function makeJob(resource: string, args: JobArgs, opts: pulumi.CustomResourceOptions): k8s.batch.v1.Job {
  const { shared, name } = args;
  const { queue, image } = shared;
  const mine = labels(args.part, queue);
  return new k8s.batch.v1.Job(
    resource,
    {
      metadata: { name, namespace: shared.namespace, labels: mine, annotations: args.annotations ?? {} },
      spec: {
        activeDeadlineSeconds: Math.ceil(args.deadline / 1000),
        ...args.spec,
        template: {
          metadata: { name, labels: mine, annotations: { "job-wq-2/image": image.id } },
          spec: {
            automountServiceAccountToken: false,
            // A Service named redis would inject REDIS_PORT=tcp://…
            enableServiceLinks: false,
            restartPolicy: "Never",
            securityContext: podSecurity(shared.runAsUser),
            imagePullSecrets: shared.pullSecrets.map((secret) => ({ name: secret })),
            ...args.pod,
            volumes: [{ name: "tmp", emptyDir: {} }, ...(args.volumes ?? [])],
            containers: [
              {
                name: "c",
                image: image.reference,
                ...(image.pullPolicy && { imagePullPolicy: image.pullPolicy }),
                command: ["node", ...(args.nodeOptions ?? []), `/app/bin/${args.program}.js`],
                terminationMessagePolicy: "FallbackToLogsOnError",
                securityContext: containerSecurity,
                env: [
                  ...shared.redisEnv,
                  fromField("POD_NAME", "metadata.name"),
                  fromField("NODE_NAME", "spec.nodeName"),
                  { name: "WQ_QUEUE", value: queue },
                  { name: "WQ_OWNER", value: shared.owner },
                  { name: "WQ_LOG_FORMAT", value: shared.logFormat },
                  ...args.env,
                ],
                ...args.container,
                volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...((args.container?.volumeMounts ?? []) as [])],
              },
            ],
          },
        },
      },
    },
    {
      ...opts,
      // Names are fixed, and neither a trigger nor replaceWith asks the provider, which would see to that by itself.
      deleteBeforeReplace: true,
      // The first is gone before what it follows is replaced, and shows it in a preview; only the second knows of what was made anew, like a Pod that a
      // refresh found gone.
      replaceWith: args.after,
      replacementTrigger: [...args.trigger, ...args.after.map(({ metadata }) => metadata.uid)],
      // Above the deadline, so that it is the Job that ends the wait; and above the time its pods have to end.
      customTimeouts: {
        create: `${Math.ceil(args.deadline / 1000) + 120}s`,
        delete: `${((args.pod?.terminationGracePeriodSeconds as number | undefined) ?? 30) + 600}s`,
      },
    },
  );
}

/** Variables from plain values; those that are undefined are left out. */
export function envVars(values: Record<string, string | number | undefined>): EnvVar[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  );
}
