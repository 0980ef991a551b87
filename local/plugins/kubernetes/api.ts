// Calls to the API server of the local platform, and to no other.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { text as textOf } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import type { Fields, Json } from "../values.ts";
import type { Kind } from "./kinds.ts";

/** An error the API server answered with. */
export class ApiError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function platform(): { url: URL; options: { ca: string; cert: string; key: string } } {
  const config = new KubeConfig();
  config.loadFromDefault();
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  const url = new URL(cluster?.server ?? "http://nowhere");
  if (url.host !== "127.0.0.1:6443" || !user?.certData || cluster?.name !== "job-wq-2") {
    throw new Error(
      `The local platform's kubernetes plugin serves only the local platform, and KUBECONFIG names ${url.host}: install the official plugin (pulumi plugin install resource kubernetes)`,
    );
  }
  const text = (data: string | undefined, file: string | undefined) =>
    data ? Buffer.from(data, "base64").toString() : readFileSync(file!, "utf8");
  const ca = text(cluster.caData, cluster.caFile);
  return { url, options: { ca, cert: text(user.certData, user.certFile), key: text(user.keyData, user.keyFile) } };
}

/** Path of a resource, or of all of its kind where there is no name. */
export function pathOf({ group, plural, namespaced }: Kind, version: string, namespace: string, name?: string): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  return `${root}${namespaced ? `/namespaces/${namespace}` : ""}/${plural}${name ? `/${name}` : ""}`;
}

/** One call; the answer as JSON. @throws ApiError */
export function call(method: string, path: string, body?: Json, type = "application/json"): Promise<Fields> {
  const { url, options } = platform();
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    // Node gives a DELETE no length by itself.
    const headers = text === undefined ? {} : { "content-type": type, "content-length": Buffer.byteLength(text) };
    const sent = request(new URL(path, url), { ...options, method, headers, timeout: 30_000 }, (response) => {
      const answered = (said: string) => {
        const isJson = response.headers["content-type"]?.includes("json") ?? false;
        const answer = (isJson ? JSON.parse(said) : { message: said }) as Fields;
        if ((response.statusCode ?? 500) < 300) resolve(answer);
        else reject(new ApiError(response.statusCode!, String(answer.message)));
      };
      textOf(response).then(answered).catch(unreachable);
    });
    const unreachable = (error: Error) =>
      reject(new Error(`configured Kubernetes cluster is unreachable: ${error.message}`));
    sent.on("error", unreachable).on("timeout", () => sent.destroy(new Error("no answer for 30 s")));
    sent.end(text);
  });
}

/** The resource, or undefined where there is none. */
export async function get(path: string): Promise<Fields | undefined> {
  try {
    return await call("GET", path);
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}
