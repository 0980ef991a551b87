// What runs in the Pod of Redis, and how it is looked after.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type * as k8s from "@pulumi/kubernetes";
import { names } from "../naming.ts";
import { containerSecurity, podSecurity } from "../podSecurity.ts";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Probe = k8s.types.input.core.v1.Probe;

/** What a Redis of our own is like. */
export interface RedisPodArgs {
  /** Image of any Redis from 7.0. */
  image: string;
  /** Memory limit, a Kubernetes quantity, and the same in bytes. */
  memory: string;
  memoryBytes: number;
  /** A password, made once. */
  auth: boolean;
  /** Size of a claim that holds the data; without it the data goes with the Pod. */
  storage?: string;
}

/** Share of the memory limit that is for data: an AOF rewrite copies what changes meanwhile, and settling needs room when takes are refused. */
const DATA_SHARE = 0.6;
/** User of the official image; Debian's has none of that number, and needs none. */
const USER = 999;

/** Mends what a host's death left of the log, and becomes `redis-server`. */
const START = readFileSync(join(import.meta.dirname, "start.sh"), "utf8");

/** What `redis-server` is started with: on disk within a second, full rather than forgetful, one node. */
function redisArgs(memoryBytes: number, auth: boolean): string[] {
  return [
    ...["--dir", "/data", "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
    ...["--maxmemory", String(Math.floor(memoryBytes * DATA_SHARE)), "--maxmemory-policy", "noeviction"],
    ...["--protected-mode", "no"],
    ...(auth ? ["--requirepass", "$(REDISCLI_AUTH)"] : []),
  ];
}

/** A probe by redis-cli, whose answer, not its exit code, tells: a Redis that loads its data answers with an error and exit code 0. */
function probe(answer: string, timing: Partial<Probe>): Probe {
  const command = ["sh", "-c", `redis-cli ping 2>&1 | grep -qE '${answer}'`];
  return { exec: { command }, timeoutSeconds: 5, ...timing };
}

/** The Pod that Redis runs in. */
export function redisPodSpec({ image, memory, memoryBytes, auth, storage }: RedisPodArgs): PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity(USER),
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: "redis",
        image,
        args: ["sh", "-c", START, "redis-server", ...redisArgs(memoryBytes, auth)],
        workingDir: "/data",
        // redis-cli reads it too, so that `kubectl exec redis-master -- redis-cli …` needs no password.
        env: auth
          ? [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef: { name: names.redis, key: "password" } } }]
          : [],
        ports: [{ containerPort: 6379, name: "redis" }],
        resources: { requests: { cpu: "100m", memory }, limits: { memory } },
        securityContext: containerSecurity,
        volumeMounts: [{ name: "data", mountPath: "/data" }],
        // Ten minutes for loading a large AOF, looked at every second.
        startupProbe: probe("PONG", { periodSeconds: 1, failureThreshold: 600 }),
        readinessProbe: probe("PONG", { periodSeconds: 5 }),
        livenessProbe: probe("PONG|LOADING|BUSY", { periodSeconds: 10, failureThreshold: 6 }),
      },
    ],
    ...(storage ? {} : { volumes: [{ name: "data", emptyDir: {} }] }),
  };
}
