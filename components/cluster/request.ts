// Calls to the API server below its typed client: of any kind, with every field as it was given.
import * as http from "node:http";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import type { KubeConfig } from "@kubernetes/client-node";

/** An answer. */
export interface Answer {
  code: number;
  body: unknown;
}

const TIMEOUT_MS = 10_000;

/** Asks the API server. @returns Undefined if it does not answer: the provider says that in its own words. */
export async function request(config: KubeConfig, path: string, created?: unknown): Promise<Answer | undefined> {
  try {
    const server = config.getCurrentCluster()!.server.replace(/\/+$/, "");
    const url = new URL(`${server}${path}`);
    const method = created === undefined ? "GET" : "POST";
    const options = { method, headers: { "content-type": "application/json" }, timeout: TIMEOUT_MS };
    await config.applyToHTTPSOptions(options);
    return await new Promise((resolve, reject) => {
      const call = (url.protocol === "http:" ? http : https).request(url, options, (response) => {
        const parsed = text(response).then((body) => JSON.parse(body) as unknown);
        parsed.then((body) => resolve({ code: response.statusCode!, body }), reject);
      });
      call.on("error", reject).on("timeout", () => call.destroy(new Error("no answer")));
      call.end(created === undefined ? undefined : JSON.stringify(created));
    });
  } catch {
    return undefined;
  }
}
