// The pod that runs Redis: command line, rights of its user, resources, probes.
import { readFileSync } from "node:fs";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { REDIS_PORT } from "../../config/ports.ts";
import { own } from "../image/ownFiles.ts";
import { containerSecurity, podSecurity } from "../podSecurity.ts";
import { later } from "../readArgs.ts";
import type { Known } from "../types.ts";

type PodSpec = k8s.types.input.core.v1.PodSpec;
type Probe = k8s.types.input.core.v1.Probe;

/** Variable parts of the pod. */
export interface RedisPodArgs {
  image: Known<string>;
  /** Memory limit, as a Kubernetes quantity and in bytes. */
  memory: pulumi.Input<string>;
  memoryBytes: Known<number>;
  /** Name of the Secret with the key `password`; absent: no password. */
  passwordSecret: string | undefined;
  /** The data lies on a volume claim named `data`, not in the pod. */
  hasClaim: boolean;
}

/**
 * Share of the memory limit that data may take. The rest is for the pages that change during a rewrite of the log, and
 * for outcomes, which are accepted when nothing else is.
 */
const DATA_SHARE = 0.6;
/** User id of the official image. */
const USER = 999;

/**
 * Rights of its only user: all of the queue's work, by hand as well, but nothing that stops Redis, empties it,
 * changes its configuration or copies it to another server. The client asks INFO; KEYS is for people.
 */
const RIGHTS = "~* &* +@all -@dangerous -@admin +info +keys";

/** Repairs a log that was cut off when its host died, then becomes `redis-server`. */
const START = readFileSync(own("components/redis/start.sh"), "utf8");

/**
 * Probes with `redis-cli ping` and checks its output: while Redis loads data, the command prints an error but exits
 * with 0.
 */
function probe(answer: string, timing: Partial<Probe>): Probe {
  const command = ["sh", "-c", `redis-cli ping 2>&1 | grep -qE '${answer}'`];
  return { exec: { command }, timeoutSeconds: 5, ...timing };
}

/** Options of `redis-server`: data is on disk within a second, and a full Redis refuses instead of evicting. */
function serverOptions(memoryBytes: number): string[] {
  const options = {
    dir: "/data",
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    maxmemory: String(Math.floor(memoryBytes * DATA_SHARE)),
    "maxmemory-policy": "noeviction",
    "protected-mode": "no",
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The pod's spec. */
export function redisPodSpec({ image, memory, memoryBytes, passwordSecret, hasClaim }: RedisPodArgs): PodSpec {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: podSecurity(USER),
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: "redis",
        image,
        args: later(memoryBytes, (bytes) => ["sh", "-c", START, "redis-server", ...serverOptions(bytes)]),
        workingDir: "/data",
        // redis-cli reads it too, so that `kubectl exec redis-master -- redis-cli …` needs no password.
        env: [
          ...(passwordSecret
            ? [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef: { name: passwordSecret, key: "password" } } }]
            : []),
          {
            name: "REDIS_CONFIG",
            value: `user default on ${passwordSecret ? ">$(REDISCLI_AUTH)" : "nopass"} ${RIGHTS}`,
          },
        ],
        ports: [{ containerPort: REDIS_PORT, name: "redis" }],
        resources: { requests: { cpu: "100m", memory }, limits: { cpu: "2", memory } },
        securityContext: containerSecurity,
        volumeMounts: [{ name: "data", mountPath: "/data" }],
        // Ten minutes for loading a large AOF, checked every second. Then it is ready, since a Redis that is busy, or
        // whose disk is full, tells every client so itself.
        startupProbe: probe("PONG", { periodSeconds: 1, failureThreshold: 600 }),
        livenessProbe: probe("PONG|LOADING|BUSY|MISCONF", { periodSeconds: 10, failureThreshold: 6 }),
      },
    ],
    volumes: hasClaim ? undefined : [{ name: "data", emptyDir: {} }],
  };
}
