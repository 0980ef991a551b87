// The Job that brings the queue in line with the items.
import { writeFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { batchSettings } from "../../../config/settings.ts";
import { dockerProvider } from "../../image/dockerProvider.ts";
import { stage } from "../../image/stage.ts";
import type { BuildOptions } from "../../image/workerImage.ts";
import { labels } from "../../labels.ts";
import { containerSecurity } from "../../podSecurity.ts";
import { later, type Values } from "../../readArgs.ts";
import type { BatchItems } from "../items.ts";
import { makeJob } from "./job.ts";
import type { JobArgs, JobDefaults, JobOrder } from "./jobArgs.ts";
import { settingsVariable } from "../pod/jobPod.ts";
import { customize } from "../pod/podSettings.ts";

/** The items, and when the Job runs. */
export interface SeedJobArgs {
  /** Absent if the list is filled by hand: then it only puts back what failed. */
  items: BatchItems | undefined;
  /** Build options of the image that carries a list too large for a ConfigMap. */
  build: BuildOptions | undefined;
  settings: Values<typeof batchSettings>;
  /** Values whose change runs the failed items again, and reopens an aborted batch. */
  again: pulumi.Input<unknown>[];
  order: JobOrder;
}

/** Seeding takes seconds, but the image is pulled for the first time here, and a node may have to be started for it. */
const DEADLINE_MS = 15 * 60_000;
const RESOURCES = { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "256Mi" } };
const MOUNT = { name: "items", mountPath: "/items" };

/** Parts of the pod that bring the items. */
type Delivery = Pick<JobArgs, "volumes" | "volumeMounts" | "initContainers">;

/** Creates the Job. It runs again when the items, `run`, `again` or a resource that it follows change, or it failed. */
export function makeSeedJob(resource: string, defaults: JobDefaults, args: SeedJobArgs): k8s.batch.v1.Job {
  const { items, settings, again } = args;
  const { queue, owner } = defaults;
  return makeJob(resource, defaults, {
    name: defaults.names.seed,
    component: "seed",
    program: "seed",
    // V8 enlarges its young generation while data streams through; short-lived chunks do not need that.
    nodeOptions: ["--semi-space-growth-factor=1"],
    deadlineMs: DEADLINE_MS,
    trigger: [items?.digest, settings.run, ...again],
    order: args.order,
    spec: { backoffLimit: 1 },
    container: { resources: RESOURCES },
    customize: (template) => customize(template, { pod: defaults.auxPod }),
    ...(items && deliver(resource, defaults, items, args.build)),
    env: [
      ...settingsVariable("seed", settings, { queue, owner, items: items && whereOf(items) }),
      {
        name: "WQ_JOB_UID",
        valueFrom: {
          fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels['batch.kubernetes.io/controller-uid']" },
        },
      },
    ],
  });
}

/** Place of the items in the pod. */
const whereOf = (items: BatchItems) =>
  items.kind === "range"
    ? later(items.range, (range) => ({ range }))
    : { file: `${MOUNT.mountPath}/items.gz`, format: items.format };

function deliver(resource: string, defaults: JobDefaults, items: BatchItems, build?: BuildOptions): Delivery {
  if (items.kind === "range") return {};
  // Items in an image are known here: outputs are refused if they are too many.
  if (!items.inline) return inImage(resource, defaults, items.base64 as string, build!);
  const map = new k8s.core.v1.ConfigMap(
    `${resource}-items`,
    {
      metadata: {
        name: defaults.names.items,
        namespace: defaults.namespace,
        labels: labels(defaults.name, "seed", defaults.labels),
      },
      binaryData: { "items.gz": items.base64 },
    },
    { parent: defaults.parent, deleteBeforeReplace: true },
  );
  return {
    volumes: [{ name: MOUNT.name, configMap: { name: map.metadata.name } }],
    volumeMounts: [{ ...MOUNT, readOnly: true }],
  };
}

/** An image with the items, which an init container copies out. */
function inImage(resource: string, defaults: JobDefaults, base64: string, build: BuildOptions): Delivery {
  const context = stage(`${resource}-items`, (staged) => {
    writeFileSync(`${staged}/items.gz`, Buffer.from(base64, "base64"));
    writeFileSync(`${staged}/Dockerfile`, "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY items.gz /items.gz\n");
  });
  const imageName = later(build.imageName, (known) => itemsImage(known, defaults.name));
  const { Image } = dockerProvider();
  const image = new Image(
    `${resource}-items-image`,
    {
      imageName,
      skipPush: !build.push,
      build: {
        context,
        dockerfile: `${context}/Dockerfile`,
        platform: build.platform,
        args: { BASE_IMAGE: build.nodeImage },
      },
      registry: build.login,
    },
    { parent: defaults.parent, provider: build.provider },
  );
  // After it is registered: a message about a resource holds up all later ones.
  pulumi
    .all([imageName, image.urn])
    .apply(([name]) =>
      pulumi.log.info(`The items travel in the image ${name}: everybody who may pull it can read them.`, image),
    );
  const copy: k8s.types.input.core.v1.Container = {
    name: "items",
    image: build.push ? image.repoDigest : imageName,
    imagePullPolicy: build.push ? undefined : "IfNotPresent",
    command: ["cp", "/items.gz", "/items/items.gz"],
    resources: RESOURCES,
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [MOUNT],
  };
  return { volumes: [{ name: MOUNT.name, emptyDir: {} }], volumeMounts: [MOUNT], initContainers: [copy] };
}

/**
 * `ghcr.io/you/job-wq-2:tag` → `ghcr.io/you/job-wq-2:items-BATCH`: a tag in the repository that the user named. A push
 * to another repository would create it, with whatever access the registry gives to new ones.
 */
function itemsImage(name: string, batch: string): string {
  return name.replace(/(:[\w.-]+)?$/, `:items-${batch}`);
}
