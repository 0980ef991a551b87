// A Redis as others see it: pods, other programs, and the command line.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import type { Labels } from "../labels.ts";
import type { EnvVar, K8sObject, PodWatch } from "../types.ts";

/** Parts of a pod that lead it to a Redis. */
export interface RedisAccess {
  /** Variables that tell a container where Redis is. */
  env: EnvVar[];
  /** Labels of pods that the NetworkPolicy of Redis admits. */
  labels: Labels;
  /** Certificate of its authority. */
  volumes?: k8s.types.input.core.v1.Volume[];
  volumeMounts?: k8s.types.input.core.v1.VolumeMount[];
}

/** Place of a Redis, for the command line. */
export interface RedisLocation {
  namespace: string;
  /** Pod to forward a port to; absent for a Redis of the user's own. */
  pod?: string;
  /** Secret with the key `password`, in the same namespace; absent without a password. */
  passwordSecret?: string;
  /** Address of a Redis of the user's own. */
  url?: string;
  /** Certificate of a private authority, PEM. */
  ca?: string;
}

/** Everything that another program needs to use a Redis. Secret, since it holds the password. */
export interface RedisReference {
  /** `NAMESPACE.NAME`: the value of the label that its NetworkPolicy admits. */
  id: string;
  url: string;
  /** Address of its Service. */
  host?: string;
  /** Identity of the data: changes when Redis is replaced and starts empty. */
  storageId: string;
  /** The stack that runs it; absent for one of the user's own. */
  stack?: string;
  location: RedisLocation;
}

/**
 * @returns The reference. @throws ConfigError for any other value, like that of a stack that exports something else.
 */
export function checkReference(given: unknown): RedisReference {
  const { id, url, storageId, location } = (given ?? {}) as Partial<RedisReference>;
  if (id && url && storageId && location) return given as RedisReference;
  const got = given === undefined || given === null ? "nothing" : "something else";
  throw new ConfigError(`Expected \`from\` to be the \`reference\` of a Redis, as its program exports it, got ${got}.`);
}

/** Name, namespace and labels of the objects of a Redis component. */
export interface RedisObjects {
  /** Name of the Service; names of the others derive from it. */
  service: string;
  namespace: pulumi.Output<string>;
  /** Labels of the user's own, on everything. */
  labels: Labels | undefined;
}

/** The resources of a Redis component, whoever runs it. */
export interface RedisBackend {
  /** Holds the data: Pod, StatefulSet, or the Secret with the address. */
  storage: K8sObject;
  /** Created before all others. */
  first: pulumi.Resource;
  /** Name of the pod; undefined if another program runs it. */
  podName: string | undefined;
  reference: pulumi.Output<RedisReference>;
  /** The way to it, for pods of its namespace. */
  access: RedisAccess;
  /** Resolves when it is ready. Rejects with the reason if it cannot start. */
  ready: Promise<void>;
  /** Begins to watch its pod; absent if another program runs it. */
  watch?: () => Promise<PodWatch | undefined>;
}
