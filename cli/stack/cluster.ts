import { existsSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import {
  ApiException,
  BatchV1Api,
  CoreV1Api,
  type KubeConfig,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
} from "@kubernetes/client-node";
import { kubeconfigOf } from "../../config/kubeconfig.ts";
import { firstLine, UserError } from "../errors.ts";
import type { ClusterSettings } from "./batches.ts";
import type { StackLocation } from "./location.ts";

const REDIS_PORT = 6379;

/** A namespace of the cluster of a batch, through the API server alone: no kubectl. Errors are {@link UserError}s. */
export class Cluster {
  readonly #config: KubeConfig;
  readonly #namespace: string;

  /**
   * @param settings The provider's.
   * @param stack The stack: a kubeconfig may be named relative to its program, or in its environment.
   */
  constructor({ kubeconfig, context }: ClusterSettings, namespace: string, { program, env }: StackLocation) {
    this.#namespace = namespace;
    const file = kubeconfig === undefined ? undefined : resolve(program, kubeconfig);
    const settings = { kubeconfig: file !== undefined && existsSync(file) ? file : kubeconfig, context };
    try {
      this.#config = kubeconfigOf(settings, env.KUBECONFIG);
    } catch (error) {
      throw new UserError(firstLine(error));
    }
  }

  /** The password of Redis. */
  async password(secret: string): Promise<string> {
    const core = this.#config.makeApiClient(CoreV1Api);
    const request = core.readNamespacedSecret({ name: secret, namespace: this.#namespace });
    const { data } = await this.#ask(`Secret ${secret}`, request);
    if (!data?.password) throw new UserError(`Secret ${this.#namespace}/${secret} has no key \`password\``);
    return Buffer.from(data.password, "base64").toString("utf8");
  }

  /** Opens a port on loopback that leads to Redis in that Pod until it is closed. */
  async forward(pod: string): Promise<{ port: number; close: () => void }> {
    const core = this.#config.makeApiClient(CoreV1Api);
    const { status } = await this.#ask(`Pod ${pod}`, core.readNamespacedPod({ name: pod, namespace: this.#namespace }));
    if (status?.phase !== "Running") {
      throw new UserError(
        `Pod ${this.#namespace}/${pod} is ${status?.phase ?? "not running"}: Redis does not answer yet`,
      );
    }
    const forward = new PortForward(this.#config);
    const open = new Set<Socket>();
    const server: Server = createServer((socket) => {
      open.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
      forward.portForward(this.#namespace, pod, [REDIS_PORT], socket, null, socket).then(
        (ws) => {
          if (typeof ws === "function") return;
          ws.on("close", () => socket.destroy());
          ws.on("error", () => socket.destroy());
          socket.on("close", () => ws.close());
        },
        () => socket.destroy(), // the client of Redis sees a closed connection, and says so
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => {
      server.close();
      for (const socket of open) socket.destroy();
    };
    return { port: (server.address() as AddressInfo).port, close };
  }

  /** The Job's number of Pods at a time, and how it ended. */
  async job(name: string): Promise<{ parallelism: number; ended?: "Complete" | "Failed" }> {
    const batch = this.#config.makeApiClient(BatchV1Api);
    const request = batch.readNamespacedJob({ name, namespace: this.#namespace });
    const { spec, status } = await this.#ask(`Job ${name}`, request);
    const end = status?.conditions?.find(
      ({ type, status: is }) => is === "True" && ["Complete", "Failed"].includes(type),
    );
    return { parallelism: spec?.parallelism ?? 1, ended: end?.type as "Complete" | "Failed" | undefined };
  }

  /** Changes the number of Pods of a running Job; Kubernetes starts or ends Pods to get there. */
  async scale(name: string, parallelism: number): Promise<void> {
    const batch = this.#config.makeApiClient(BatchV1Api);
    const patch = { name, namespace: this.#namespace, body: { spec: { parallelism } } };
    const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
    await this.#ask(`Job ${name}`, batch.patchNamespacedJob(patch, merge));
  }

  async #ask<T>(what: string, call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const server = this.#config.getCurrentCluster()!.server;
      if (error instanceof ApiException) {
        const where = `${what} in namespace ${this.#namespace}`;
        if (error.code === 404)
          throw new UserError(`${where} is not there: \`pulumi up\` has not made it, or it was destroyed`);
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
