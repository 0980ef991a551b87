import type { BatchV1Api, CoreV1Api, KubeConfig, KubernetesObject, V1Job, V1Pod } from "@kubernetes/client-node";
import { kubeconfigOf } from "../../kube/kubeconfig.ts";
import { loadClient } from "../../kube/kubernetesClient.ts";
import { lifeProblem } from "../../kube/podEnds.ts";
import { podProblem, slowProblem } from "../../kube/podProblems.ts";
import { lastLine, podEvents } from "../../kube/podReads.ts";
import { jobEnd } from "../../kube/jobEnd.ts";
import { OWNER } from "../../kube/ownLabels.ts";
import { forwardPort } from "../../kube/portForward.ts";
import { firstLine, UserError } from "../errors.ts";
import type { ClusterSettings } from "./batches.ts";
import type { StackLocation } from "./findStack.ts";

const client = await loadClient();

/** The answer; undefined if there is no such object. */
const orNothing = <T>(request: Promise<T>): Promise<T | undefined> =>
  request.catch((error: unknown) => {
    if (error instanceof client.ApiException && error.code === 404) return undefined;
    throw error;
  });

/** A namespace of the cluster of a batch, through the API server alone: no kubectl. Errors are {@link UserError}s. */
export class Cluster {
  readonly #config: KubeConfig;
  readonly #namespace: string;
  readonly #core: CoreV1Api;
  readonly #batch: BatchV1Api;

  /**
   * @param settings The provider's.
   * @param stack The stack, since its kubeconfig may be relative to its program, or named in its environment.
   */
  constructor(settings: ClusterSettings, namespace: string, { program, env }: StackLocation) {
    this.#namespace = namespace;
    try {
      this.#config = kubeconfigOf(settings, { folder: program, ...(env.KUBECONFIG && { path: env.KUBECONFIG }) });
    } catch (error) {
      throw new UserError(firstLine(error));
    }
    this.#core = this.#config.makeApiClient(client.CoreV1Api);
    this.#batch = this.#config.makeApiClient(client.BatchV1Api);
  }

  /** For messages: the kubeconfig's context, and its server. */
  get label(): string {
    return `context ${this.#config.getCurrentContext()} (${this.#config.getCurrentCluster()!.server})`;
  }

  /** The password of Redis. */
  async password(secret: string): Promise<string> {
    const request = this.#core.readNamespacedSecret({ name: secret, namespace: this.#namespace });
    const { data } = await this.#ask(`Secret ${secret}`, request);
    if (!data?.password) throw new UserError(`Secret ${this.#namespace}/${secret} has no key \`password\``);
    return Buffer.from(data.password, "base64").toString("utf8");
  }

  /** Opens a port on loopback that leads to a port of that Pod until it is closed. */
  async forward(pod: string, podPort: number): Promise<{ port: number; close: () => void }> {
    const phase = await this.phase(pod);
    if (phase !== "Running")
      throw new UserError(`Pod ${this.#namespace}/${pod} is ${phase}: Redis does not answer yet`);
    return forwardPort(this.#config, { namespace: this.#namespace, pod, port: podPort });
  }

  /** The phase of a Pod, with the reason why its container waits. */
  async phase(pod: string): Promise<string> {
    const request = this.#core.readNamespacedPod({ name: pod, namespace: this.#namespace });
    const { status } = await this.#ask(`Pod ${pod}`, request);
    const reason = status?.containerStatuses?.[0]?.state?.waiting?.reason;
    return [status?.phase ?? "not running", reason].filter(Boolean).join(", ");
  }

  /** A running Pod of a Job; undefined if there is none. */
  async runningPod(job: string): Promise<string | undefined> {
    const labelSelector = `job-name=${job}`;
    const fieldSelector = "status.phase=Running";
    const request = this.#core.listNamespacedPod({
      namespace: this.#namespace,
      labelSelector,
      fieldSelector,
      limit: 1,
    });
    const { items } = await this.#ask(`Pods of ${job}`, request);
    return items[0]?.metadata?.name;
  }

  /** The problem that keeps the Pods of a Job from starting or staying, one line; undefined without one. */
  async podProblem(job: string): Promise<string | undefined> {
    const namespace = this.#namespace;
    const request = this.#core.listNamespacedPod({ namespace, labelSelector: `job-name=${job}`, limit: 50 });
    const { items } = await this.#ask(`Pods of ${job}`, request);
    const problem =
      podProblem(items) ??
      (await lifeProblem(items, (pod) => lastLine(this.#core, namespace, pod))) ??
      (await slowProblem(items, (pod) => podEvents(this.#core, namespace, pod)));
    return problem?.line;
  }

  /** Creates a Pod. @returns Its name. */
  async createPod(body: V1Pod): Promise<string> {
    const request = this.#core.createNamespacedPod({ namespace: this.#namespace, body });
    return (await this.#ask("a Pod", request)).metadata!.name!;
  }

  async deletePod(pod: string): Promise<void> {
    await this.#ask(`Pod ${pod}`, this.#core.deleteNamespacedPod({ name: pod, namespace: this.#namespace }));
  }

  /** Deletes an object of any kind with what it owns. One that is not there is no error. */
  async deleteObject({ apiVersion, kind, metadata }: KubernetesObject): Promise<void> {
    const api = this.#config.makeApiClient(client.KubernetesObjectApi);
    const object = { apiVersion, kind, metadata: { name: metadata!.name!, namespace: this.#namespace } };
    const request = api.delete(object, undefined, undefined, undefined, undefined, "Background");
    await this.#ask(`${kind} ${object.metadata.name}`, orNothing(request));
  }

  /** A Job as the cluster has it; undefined if it is gone. */
  async readJob(name: string): Promise<V1Job | undefined> {
    const request = this.#batch.readNamespacedJob({ name, namespace: this.#namespace });
    return this.#ask(`Job ${name}`, orNothing(request));
  }

  /** True if the Job has ended, or is gone. */
  async hasEnded(name: string): Promise<boolean> {
    const job = await this.readJob(name);
    return job === undefined || jobEnd(job) !== undefined;
  }

  /** The Job's number of Pods at a time, how it ended, and the stack that owns it. */
  async job(name: string): Promise<{ parallelism: number; ended?: "Complete" | "Failed"; owner?: string }> {
    const request = this.#batch.readNamespacedJob({ name, namespace: this.#namespace });
    const job = await this.#ask(`Job ${name}`, request);
    const owner = job.metadata?.annotations?.[OWNER];
    return { parallelism: job.spec?.parallelism ?? 1, ended: jobEnd(job), owner };
  }

  /** Changes the number of Pods of a running Job; Kubernetes starts or ends Pods to get there. */
  async scale(name: string, parallelism: number): Promise<void> {
    const patch = { name, namespace: this.#namespace, body: { spec: { parallelism } } };
    const merge = client.setHeaderOptions("Content-Type", client.PatchStrategy.MergePatch);
    await this.#ask(`Job ${name}`, this.#batch.patchNamespacedJob(patch, merge));
  }

  async #ask<T>(what: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const server = this.#config.getCurrentCluster()!.server;
      if (error instanceof client.ApiException) {
        const where = `${what} in namespace ${this.#namespace}`;
        if (error.code === 404)
          throw new UserError(
            `${where} does not exist in ${this.label}: \`up\` has not created it yet, or it was deleted (\`pulumi up --refresh\` creates it again)`,
          );
        if (error.code === 401 || error.code === 403)
          throw new UserError(`the cluster at ${server} does not let you see ${where}`);
        throw new UserError(`${where}: the cluster at ${server} answered ${error.code}`);
      }
      const cause = (error as Error).cause ?? error;
      throw new UserError(
        `the cluster at ${server} does not answer: ${firstLine(cause)}; is it up, and KUBECONFIG right?`,
      );
    }
  }
}
