// Probes: each resolves to true once a process of the platform serves.
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { createConnection } from "node:net";
import { join } from "node:path";
import { bridgeAddress } from "../addresses.ts";
import { pkiDir } from "../paths.ts";

/** Probe of a URL. */
export const answers = (url: string) => async () => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;

/** HTTPS probe with a client's certificate. The parts' own certificates are self-signed, so they are not verified. */
export const answersTls =
  (url: string, client = "admin") =>
  () =>
    new Promise<boolean>((resolve, reject) => {
      const pem = (name: string) => readFileSync(join(pkiDir, name));
      const options = {
        cert: pem(`${client}.crt`),
        key: pem(`${client}.key`),
        rejectUnauthorized: false,
        timeout: 2000,
      };
      const call = request(url, options, (response) => resolve(response.resume().statusCode === 200));
      call.on("timeout", () => call.destroy(new Error("no answer"))).on("error", reject);
      call.end();
    });

/** Probe of a Unix socket. */
export const accepts = (path: string) => () =>
  new Promise<boolean>((resolve, reject) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    }).on("error", reject);
  });

const CRI_VERSION = "/runtime.v1.RuntimeService/Version";

/** Probe of a containerd for kubelets, which ends if it listens and is not initialized yet. */
export const runsPods = (path: string) => async () => {
  const { Client, credentials } = await import("@grpc/grpc-js");
  const client = new Client(`unix://${path}`, credentials.createInsecure());
  const plain = (bytes: Buffer) => bytes;
  const options = { deadline: Date.now() + 2000 };
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const answer = (error: Error | null) => (error ? reject(error) : resolve(true));
      client.makeUnaryRequest(CRI_VERSION, plain, plain, Buffer.alloc(0), options, answer);
    });
  } finally {
    client.close();
  }
};

/** Probe of the name server. */
export async function resolvesNames(): Promise<boolean> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([bridgeAddress]);
  return (await resolver.resolve4("kubernetes.default.svc.cluster.local")).length > 0;
}
