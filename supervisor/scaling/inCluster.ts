// Calls to the API server from a pod, with the token of its ServiceAccount.
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { text } from "node:stream/consumers";

/** Folder of a pod's token and of the API server's certificate. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const TIMEOUT_MS = 10_000;

/**
 * Calls the API server.
 * @param body A merge patch; without one the object is read.
 * @throws Error with the API server's own words. An API server that is busy, or a proxy before it, answers in others
 * than JSON.
 */
export async function callApi(path: string, body?: unknown, account = ACCOUNT): Promise<unknown> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  // Read anew each time: tokens are replaced while a pod runs.
  const [ca, token] = [readFileSync(`${account}/ca.crt`), readFileSync(`${account}/token`, "utf8")];
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/merge-patch+json" };
  const method = body === undefined ? "GET" : "PATCH";
  return new Promise((resolve, reject) => {
    const call = request({ host, port, path, method, headers, ca, timeout: TIMEOUT_MS }, (response) => {
      text(response)
        .then((answer) => {
          const { statusCode, headers } = response;
          const isJson = headers["content-type"]?.startsWith("application/json");
          const value = isJson ? (JSON.parse(answer) as { message?: string }) : undefined;
          if (statusCode! < 300 && value) resolve(value);
          else reject(new Error(value?.message ?? `it answered ${statusCode}`));
        })
        .catch(reject);
    });
    call.on("error", reject).on("timeout", () => call.destroy(new Error("it does not answer")));
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
