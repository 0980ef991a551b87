import { connect } from "node:net";
import type { V1Job, V1Pod } from "@kubernetes/client-node";
import { RELAY_PORT } from "../../config/ports.ts";
import { APP, COMPONENT } from "../../kube/ownLabels.ts";
import { pollUntil } from "../../kube/poll.ts";
import { UserError } from "../errors.ts";
import { beforeEnd } from "../processEnd.ts";
import type { Cluster } from "./cluster.ts";

/** Program of a relay Pod: supervisor/relay.ts in short, so that any image of a batch will do. */
export const relayScript = (relayPort = RELAY_PORT): string => `
const { lookup } = require("node:dns");
const { connect, createServer } = require("node:net");
const { hostname, port } = new URL(process.env.WQ_REDIS_URL);
let host = hostname.replace(/^\\[|\\]$/g, "");
const { WQ_REDIS_HOST } = process.env;
if (WQ_REDIS_HOST) lookup(host, (error) => error && (host = WQ_REDIS_HOST));
createServer((client) => {
  const upstream = connect(Number(port || 6379), host);
  client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
  upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
  client.pipe(upstream).pipe(client);
}).listen(${relayPort}, "127.0.0.1");`;

/** It ends by itself when whoever made it was killed. */
const LIFETIME_S = 3_600;
const START_MS = 60_000;
const LISTEN_MS = 10_000;
const POLL_MS = 250;

/** Labels by which the Job knows its own pods. */
const OF_THE_JOB = /(^|\/)(job-name|controller-uid)$/;
/** Variables and volumes that lead to Redis, or bring Node.js. */
const NEEDED_VARIABLE = /^(WQ_REDIS_|NODE_EXTRA_CA_CERTS$|LD_LIBRARY_PATH$)/;
const NEEDED_VOLUME = /^(tmp|node|code|redis-ca)$/;

/**
 * A Pod that only relays. It has the image, the security context and the Redis of a Job's pods, but not their token,
 * secrets and claims. The Job owns it, and does not count it.
 */
export function relayPodOf(job: V1Job): V1Pod {
  const { name, uid } = job.metadata!;
  const { metadata, spec: podSpec } = job.spec!.template;
  const spec = podSpec!;
  const { imagePullSecrets, nodeSelector, tolerations, affinity, securityContext, dnsPolicy, dnsConfig, hostAliases } =
    spec;
  const container = spec.containers.find((one) => one.name === "c") ?? spec.containers[0]!;
  const ownLabels = Object.fromEntries(Object.entries(metadata?.labels ?? {}).filter(([key]) => !OF_THE_JOB.test(key)));
  const node = (container.command ?? container.args ?? ["node", ""]).slice(0, -1);
  return {
    metadata: {
      generateName: `${name}-relay-`,
      // With the labels that the namespace may demand, and those that keep service meshes out.
      labels: { ...ownLabels, ...APP, [COMPONENT]: "relay" },
      annotations: metadata?.annotations,
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: name!, uid: uid! }],
    },
    spec: {
      imagePullSecrets,
      nodeSelector,
      tolerations,
      affinity,
      securityContext,
      dnsPolicy,
      dnsConfig,
      hostAliases,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      volumes: spec.volumes?.filter(({ name }) => NEEDED_VOLUME.test(name)),
      initContainers: spec.initContainers?.filter(({ name }) => name === "node"),
      restartPolicy: "Never",
      activeDeadlineSeconds: LIFETIME_S,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: container.name,
          image: container.image,
          imagePullPolicy: container.imagePullPolicy,
          command: [...node, "-e", relayScript()],
          workingDir: "/",
          env: container.env?.filter(({ name }) => NEEDED_VARIABLE.test(name)),
          volumeMounts: container.volumeMounts?.filter(({ name }) => NEEDED_VOLUME.test(name)),
          securityContext: container.securityContext,
          resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
        },
      ],
    },
  };
}

/** The first of these Jobs that is there. @throws UserError if none is. */
async function someJob(cluster: Cluster, names: string[]): Promise<V1Job> {
  for (const name of names) {
    const job = await cluster.readJob(name);
    if (job) return job;
  }
  throw new UserError("the batch has no Job left whose image could relay to Redis: run `pulumi up`");
}

/** Waits until a Pod runs. @throws UserError if it does not start. */
async function runs(cluster: Cluster, pod: string): Promise<void> {
  let phase = "";
  const isRunning = async () => (phase = await cluster.phase(pod)) === "Running";
  if (!(await pollUntil(isRunning, { timeoutMs: START_MS, intervalMs: POLL_MS })))
    throw new UserError(`the Pod ${pod}, which would relay to Redis, does not start: ${phase}`);
}

/** True if the relay of a Pod accepts connections. The Pod runs a moment before that. */
const accepts = (port: number): Promise<boolean> =>
  pollUntil(() => staysOpen(port), { timeoutMs: LISTEN_MS, intervalMs: POLL_MS });

/** A forwarded connection is always accepted. If nothing listens in the Pod, it is closed at once. */
function staysOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const timer = setTimeout(() => socket.destroy(), POLL_MS).unref();
    let isOpen = true;
    socket.on("end", () => (isOpen = false)).on("error", () => (isOpen = false));
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(isOpen);
    });
  });
}

/**
 * Opens a port on loopback that leads to the Redis of a batch.
 * @param jobs Jobs whose pods can reach it, the supervisor's first.
 * @throws UserError if no Pod relays.
 */
export async function openRelay(cluster: Cluster, jobs: string[]): Promise<{ port: number; close: () => void }> {
  const running = await cluster.runningPod(jobs[0]!);
  if (running !== undefined) {
    const tunnel = await cluster.forward(running, RELAY_PORT);
    if (await staysOpen(tunnel.port)) return tunnel;
    tunnel.close(); // not the supervisor's
  }
  const created = cluster.createPod(relayPodOf(await someJob(cluster, jobs)));
  const remove = beforeEnd(async () => cluster.deletePod(await created));
  try {
    const pod = await created;
    await runs(cluster, pod);
    const { port, close } = await cluster.forward(pod, RELAY_PORT);
    const closeAll = () => {
      close();
      void remove();
    };
    if (await accepts(port)) return { port, close: closeAll };
    close();
    throw new UserError(`the Pod ${pod} does not relay`);
  } catch (error) {
    await remove();
    throw error;
  }
}
