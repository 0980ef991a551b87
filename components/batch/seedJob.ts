import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as docker from "@pulumi/docker";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Items } from "../../config/items.ts";
import { settleModes } from "../image/bundle.ts";
import { envVars, type JobShared, makeJob } from "./job.ts";
import { labels, names } from "../naming.ts";
import { containerSecurity } from "../podSecurity.ts";
import type { Made } from "../types.ts";
import type { WorkerImageArgs } from "../image/workerImage.ts";

/** Arguments of {@link SeedJob}. */
export interface SeedJobArgs {
  shared: JobShared;
  items: Items;
  /** For items that do not fit into a ConfigMap: they travel in an image of their own, pushed beside the workers'. */
  image?: WorkerImageArgs;
  /** A changed value runs everything, or the failed ones, again. */
  run: string;
  retry: string;
  /** What holds the data: in another, the items are to be put in again. */
  data: Made;
  /** The Jobs of this stack that must be gone before items are changed. */
  dependsOn: pulumi.Resource[];
}

const CONTEXT = "components/.context/items";
/** Two million items a second need no longer; but the image is pulled for the first time here, and a node may have to be started for it. */
const DEADLINE = 15 * 60_000;

/** Puts the items into the queue, or brings it in line with them. A failed item runs again whenever this Job does. */
export class SeedJob extends pulumi.ComponentResource {
  readonly job: k8s.batch.v1.Job;

  /**
   * @param name Name of the component; its children are named after it.
   * @param args What to seed.
   * @param opts Options of the component.
   */
  constructor(name: string, args: SeedJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workqueue:index:SeedJob", name, {}, opts);
    const { shared, items, run, retry } = args;
    const source = items.kind === "range" ? { env: { WQ_ITEMS_RANGE: items.range } } : this.#file(name, items, args);
    this.job = makeJob(
      `${name}-job`,
      {
        name: names.seed,
        part: "seed",
        shared,
        program: "seed",
        // V8's nursery grows with what streams through it; nothing of a seeding lives long enough to need that.
        nodeOptions: ["--semi-space-growth-factor=1"],
        deadline: DEADLINE,
        trigger: [items.digest, run, retry],
        after: [args.data],
        // One that failed is to run again at the next `up`.
        annotations: { "pulumi.com/replaceUnready": "true" },
        spec: { backoffLimit: 1 },
        env: [
          ...envVars({ WQ_RUN: run, WQ_RETRY: retry, ...source.env }),
          {
            name: "WQ_JOB_UID",
            valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/controller-uid']" } },
          },
        ],
        ...("volume" in source && {
          volumes: [source.volume],
          container: { volumeMounts: [{ name: "items", mountPath: "/items", readOnly: true }] },
          pod: source.pod,
        }),
      },
      { parent: this, dependsOn: args.dependsOn },
    );
    this.registerOutputs({});
  }

  /** A ConfigMap with the items; or an image with them, which an init container copies out. */
  #file(name: string, items: Extract<Items, { kind: "file" }>, { shared, image }: SeedJobArgs) {
    const env = { WQ_ITEMS_FILE: "/items/items.gz", WQ_ITEMS_FORMAT: items.format };
    const mine = labels("seed", shared.queue);
    if (items.inline) {
      const map = new k8s.core.v1.ConfigMap(
        `${name}-items`,
        {
          metadata: { name: `${names.worker}-items`, namespace: shared.namespace, labels: mine },
          binaryData: { "items.gz": items.gzipped.toString("base64") },
        },
        { parent: this, deleteBeforeReplace: true },
      );
      return { env, volume: { name: "items", configMap: { name: map.metadata.name } }, pod: {} };
    }
    if (!image) throw new Error("SeedJob: items that do not fit into a ConfigMap need `image`.");
    rmSync(CONTEXT, { recursive: true, force: true });
    mkdirSync(CONTEXT, { recursive: true });
    writeFileSync(`${CONTEXT}/items.gz`, items.gzipped);
    writeFileSync(`${CONTEXT}/Dockerfile`, "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nCOPY items.gz /items.gz\n");
    settleModes(CONTEXT);
    const built = new docker.Image(
      `${name}-items-image`,
      {
        imageName: itemsImage(image.imageName),
        skipPush: !image.push,
        build: {
          context: CONTEXT,
          dockerfile: `${CONTEXT}/Dockerfile`,
          platform: image.platform,
          args: { BASE_IMAGE: image.baseImage },
        },
        ...(image.login && { registry: image.login }),
      },
      { parent: this },
    );
    const initContainers = [
      {
        name: "items",
        image: image.push ? built.repoDigest : itemsImage(image.imageName),
        ...(!image.push && { imagePullPolicy: "IfNotPresent" }),
        command: ["cp", "/items.gz", "/items/items.gz"],
        securityContext: containerSecurity,
        terminationMessagePolicy: "FallbackToLogsOnError",
        volumeMounts: [{ name: "items", mountPath: "/items" }],
      },
    ];
    return { env, volume: { name: "items", emptyDir: {} }, pod: { initContainers } };
  }
}

/** `ghcr.io/you/job-wq-2:tag` → `ghcr.io/you/job-wq-2-items:tag`. */
export function itemsImage(name: string): string {
  return name.replace(/(:[\w.-]+)?$/, (tag) => `-items${tag}`);
}
