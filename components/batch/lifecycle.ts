// The part of `up` beside creating resources: it looks at what an earlier `up` left, waits, and reports progress.
import * as pulumi from "@pulumi/pulumi";
import type * as k8s from "@pulumi/kubernetes";
import { type Cluster, connectCluster, settled } from "../cluster/client.ts";
import { deleteJob, insteadOf, isCutOff, liveJobs } from "../cluster/liveJobs.ts";
import { endProgram } from "../cluster/upError.ts";
import { type AwaitedJob, waitForJob } from "../cluster/waitForJob.ts";

/** For each Job, the uid of the failed or cut-off Job that it replaces, or an empty text. */
export interface Restarts {
  seed: pulumi.Output<string>;
  workers: pulumi.Output<string>;
  supervisor: pulumi.Output<string>;
}

let batches = 0;

/** Life of a Batch within one run of the program. In a preview it only looks. */
export class Lifecycle {
  readonly #batch: pulumi.ComponentResource;
  readonly #name: string;
  readonly #namespace: pulumi.Output<string>;
  /** The cluster of its resources. */
  readonly cluster: Promise<Cluster | undefined>;

  /** @param name Name of the worker Job. */
  constructor(batch: pulumi.ComponentResource, name: string, namespace: pulumi.Output<string>) {
    this.#batch = batch;
    this.#name = name;
    this.#namespace = namespace;
    this.cluster = connectCluster(batch);
    batches++;
  }

  /** Looks at the Jobs that are there; deletes those that were cut off while they were created. */
  restarts(hasWorkers: boolean): Restarts {
    const marks = this.#namespace.apply(async (namespace) => {
      const cluster = await this.cluster;
      const jobs = cluster ? await liveJobs(cluster, namespace, this.#name) : new Map<string, never>();
      const [seed, workers, supervisor] = ["seed", "worker", "supervisor"].map((component) => jobs.get(component));
      const afterSeed = hasWorkers ? workers : "none";
      const found = {
        seed: insteadOf(seed, afterSeed),
        workers: insteadOf(workers, supervisor),
        supervisor: insteadOf(supervisor, "none"),
      };
      if (cluster && !pulumi.runtime.isDryRun()) {
        if (workers && isCutOff(workers, supervisor)) await deleteJob(cluster, workers);
        if (seed && isCutOff(seed, afterSeed)) await deleteJob(cluster, seed);
      }
      return found;
    });
    return { seed: marks.seed, workers: marks.workers, supervisor: marks.supervisor };
  }

  /** Waits for a Job to complete. Never resolves where it fails: the program ends with its reason. */
  async complete(job: k8s.batch.v1.Job, needs: k8s.batch.v1.Job[] = []): Promise<void> {
    if (pulumi.runtime.isDryRun()) return;
    const cluster = await this.cluster;
    const awaited = await Promise.all([job, ...needs].map(nameOf));
    if (!cluster) return this.#fail("the kubeconfig that Pulumi uses cannot be read here, so `up` cannot wait");
    try {
      await waitForJob(cluster, awaited[0]!, {
        needs: awaited.slice(1),
        onProgress: (line) => void pulumi.log.info(line, this.#batch, undefined, true),
        onWarning: (line) => void pulumi.log.warn(line, this.#batch),
      });
    } catch (error) {
      return this.#fail((error as Error).message);
    }
  }

  #fail(line: string): Promise<never> {
    return endProgram(batches > 1 ? `${this.#name}: ${line}` : line);
  }
}

function nameOf(job: k8s.batch.v1.Job): Promise<AwaitedJob> {
  const { name, namespace, uid } = job.metadata;
  return settled(pulumi.all([name, namespace, uid]).apply(([name, namespace, uid]) => ({ name, namespace, uid })));
}
