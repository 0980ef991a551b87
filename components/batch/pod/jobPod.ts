// The pod of a Job: one container of the image, admitted by Pod Security `restricted`.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { type Facts, keysOf, settingsText } from "../../../config/toldSettings.ts";
import type { batchSettings, Program } from "../../../config/settings.ts";
import { labels, NO_MESH } from "../../labels.ts";
import { REQUIREMENTS } from "../../../kube/podEnds.ts";
import { CODE_DIR } from "../../image/layout.ts";
import { containerSecurity, podSecurity } from "../../podSecurity.ts";
import { later, type Values, whole } from "../../readArgs.ts";
import type { EnvVar, Known } from "../../types.ts";
import type { JobDefaults, PodArgs } from "../jobs/jobArgs.ts";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type PodSpec = k8s.types.input.core.v1.PodSpec;

/** Whole seconds, as Kubernetes counts. */
export const seconds = (ms: Known<number>): Known<number> => later(ms, (known) => Math.ceil(known / 1000));

/** A text as a variable's value: Kubernetes reads `$(NAME)` and `$$` in one, and makes `$` of `$$`. */
const verbatim = (value: unknown) => String(value).replaceAll("$", "$$$$");

/** Variables from values, as they stand; those that are undefined are left out. */
export function envVars(values: Record<string, pulumi.Input<string | number | boolean> | undefined>): EnvVar[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: later(value as Known<unknown>, verbatim) }],
  );
}

/** The variable with the settings that a program is told: values of the Batch, and those of the table. */
export function settingsVariable<P extends Program>(
  program: P,
  settings: Values<typeof batchSettings>,
  facts: { [K in keyof Facts[P]]: Known<unknown> },
): EnvVar[] {
  const told = keysOf(program).map((key) => [key, settings[key as keyof typeof settings]]);
  const values = { ...facts, ...(Object.fromEntries(told) as Record<string, unknown>) };
  return envVars({ WQ_SETTINGS: whole(values, settingsText) });
}

const fieldVariable = (name: string, fieldPath: string): EnvVar => ({
  name,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
});

/** A list that is not empty. The provider drops empty ones, but not in a preview: `up --plan` would miss them. */
const orNone = <T>(list: T[]) => (list.length > 0 ? list : undefined);

/** The template of a Job's pods. */
export function podTemplate(defaults: JobDefaults, args: PodArgs): pulumi.Input<PodTemplate> {
  const template = {
    metadata: {
      labels: {
        ...labels(defaults.name, args.component, defaults.labels),
        ...defaults.redis.labels,
        ...NO_MESH.labels,
      },
      annotations: {
        ...NO_MESH.annotations,
        "kubectl.kubernetes.io/default-container": "c",
        "job-wq-2/image": defaults.image.id,
        ...args.podAnnotations,
      },
    },
    spec: podSpec(defaults, args),
  };
  return args.customize ? args.customize(template) : template;
}

function podSpec(defaults: JobDefaults, args: PodArgs): PodSpec {
  const { code, image } = defaults;
  const steps = (code?.initContainers ?? []).flatMap((step) => {
    if (step.name !== REQUIREMENTS) return [step];
    // The user's variables too: an index or a proxy, and its password.
    const env = later(args.env, (own) => [...own, ...(step.env as EnvVar[])]);
    // The same memory as the workers, since users raise that if it is too little.
    const resources = args.program === "worker" ? args.container?.resources : step.resources;
    return args.runsUserCode ? [{ ...step, env, envFrom: args.container?.envFrom, resources }] : [];
  });
  const start = [...image.node, ...(args.nodeOptions ?? []), `${CODE_DIR}/bin/${args.program}.js`];
  return {
    automountServiceAccountToken: false,
    // Each Service of the namespace would be a variable, like REDIS_PORT=tcp://…, and might be one of the user's.
    enableServiceLinks: false,
    restartPolicy: "Never",
    securityContext: podSecurity(defaults.runAsUser),
    imagePullSecrets: orNone(defaults.pullSecrets.map((secret) => ({ name: secret }))),
    terminationGracePeriodSeconds: args.graceMs === undefined ? undefined : seconds(args.graceMs),
    nodeSelector: defaults.nodeSelector,
    tolerations: defaults.tolerations as PodSpec["tolerations"],
    ...args.pod,
    initContainers: orNone([...steps, ...(args.initContainers ?? [])]),
    volumes: [
      // A handler that fills it ends its own pod, and not other pods of the node.
      { name: "tmp", emptyDir: { sizeLimit: "10Gi" } },
      ...(code?.volumes ?? []),
      ...(defaults.redis.volumes ?? []),
      ...(args.volumes ?? []),
    ],
    containers: [
      {
        name: "c",
        image: image.reference,
        imagePullPolicy: image.pullPolicy,
        // An ENTRYPOINT runs what it is given as arguments.
        ...(image.entrypoint && args.runsUserCode ? { args: start } : { command: start }),
        terminationMessagePolicy: "FallbackToLogsOnError",
        securityContext: containerSecurity,
        // Our programs need none, and the image's may be closed to this user.
        workingDir: args.runsUserCode ? code?.workingDir : "/",
        env: later(args.env, (env) => [
          ...defaults.redis.env,
          fieldVariable("WQ_POD", "metadata.name"),
          fieldVariable("WQ_NAMESPACE", "metadata.namespace"),
          fieldVariable("WQ_NODE", "spec.nodeName"),
          ...env,
        ]),
        ...args.container,
        volumeMounts: [
          { name: "tmp", mountPath: "/tmp" },
          ...(code?.volumeMounts ?? []),
          ...(defaults.redis.volumeMounts ?? []),
          ...(args.volumeMounts ?? []),
        ],
      },
    ],
  };
}
