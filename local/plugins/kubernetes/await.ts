// What `up` waits for, by kind, and what ends the wait early: as in the official provider,
// https://github.com/pulumi/pulumi-kubernetes, provider/pkg/await.
import { setTimeout as sleep } from "node:timers/promises";
import { type Fields, isObject } from "../values.ts";
import { call, get } from "./api.ts";

/** Whether a resource is ready, will never be (with the reasons), or neither. */
type Readiness = { ready: true } | { failed: string[] } | { waiting: string[] };

const field = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

const conditions = (live: Fields) => (field(live, "status", "conditions") as Condition[] | undefined) ?? [];
const annotation = (live: Fields, name: string) => field(live, "metadata", "annotations", `pulumi.com/${name}`);

function pod(live: Fields): Readiness {
  const phase = field(live, "status", "phase");
  if (phase === "Succeeded" || conditions(live).some(({ type, status }) => type === "Ready" && status === "True")) {
    return { ready: true };
  }
  return { waiting: containerProblems(live) };
}

function statefulSet(live: Fields): Readiness {
  const number = (...path: string[]) => Number(field(live, ...path) ?? 0);
  const wanted = number("spec", "replicas");
  const current = field(live, "status", "currentRevision") === field(live, "status", "updateRevision");
  const observed = number("status", "observedGeneration") >= number("metadata", "generation");
  if (observed && current && number("status", "readyReplicas") === wanted) return { ready: true };
  return { waiting: [`${number("status", "readyReplicas")} of ${wanted} replicas are ready`] };
}

function job(live: Fields): Readiness {
  for (const { type, status, reason, message } of conditions(live)) {
    if (status !== "True") continue;
    if (type === "Complete") return { ready: true };
    // Only for these does the official provider stop waiting.
    if (type === "Failed" && /^(BackoffLimitExceeded|DeadlineExceeded)$/.test(reason ?? ""))
      return { failed: [message ?? reason!] };
  }
  return { waiting: ["the Job is not complete"] };
}

/**
 * Containers that wait or failed, with the last line they printed. Like the official provider, it leaves out init
 * containers.
 */
function containerProblems(live: Fields): string[] {
  const statuses = (field(live, "status", "containerStatuses") as Fields[] | undefined) ?? [];
  return statuses.flatMap((status) => {
    const { name } = status;
    const [kind, state] = Object.entries(field(status, "state") ?? {})[0] ?? [];
    if (kind === "waiting") return [`[${name}] ${field(state, "reason")}: ${field(state, "message") ?? ""}`];
    if (kind !== "terminated" || field(state, "exitCode") === 0) return [];
    return [
      `[${name}] ${field(state, "reason")}: exit code ${field(state, "exitCode")}: ${field(state, "message") ?? ""}`,
    ];
  });
}

/** Problems of the pods of a Job. */
async function podProblems(live: Fields): Promise<string[]> {
  const { namespace, name } = live.metadata as { namespace: string; name: string };
  const pods = await call(
    "GET",
    `/api/v1/namespaces/${namespace}/pods?labelSelector=batch.kubernetes.io/job-name%3D${name}`,
  );
  return (pods.items as Fields[]).flatMap((one) =>
    containerProblems(one).map(
      (line) => `[Pod ${namespace}/${String(field(one, "metadata", "name"))}]: ${line.trim()}`,
    ),
  );
}

/** `jsonpath={.a.b}` or `jsonpath={.a.b}=value`. */
const JSONPATH = /^jsonpath=\{\.([\w.]+)\}(?:=(.+))?$/;

/** What the annotation `pulumi.com/waitFor` asks for. */
function waitedFor(waitFor: string, live: Fields): Readiness {
  const condition = /^condition=(\w+)$/.exec(waitFor)?.[1];
  if (condition) {
    const met = conditions(live).some(({ type, status }) => type === condition && status === "True");
    return met ? { ready: true } : { waiting: [`it is not ${condition} yet`, ...containerProblems(live)] };
  }
  const [, path, value] = JSONPATH.exec(waitFor) ?? [];
  if (!path) return { failed: [`the local platform's plugin does not understand pulumi.com/waitFor: ${waitFor}`] };
  const found = field(live, ...path.split("."));
  const isThere = value === undefined ? found !== undefined : String(found) === value;
  return isThere ? { ready: true } : { waiting: [`no ${path}${value === undefined ? "" : `=${value}`} yet`] };
}

/**
 * Readiness of a live resource. The annotation `skipAwait` makes it ready at once; `waitFor` replaces what its kind
 * waits for.
 */
export function readiness(kind: string, live: Fields): Readiness {
  if (annotation(live, "skipAwait") === "true") return { ready: true };
  const waitFor = annotation(live, "waitFor");
  if (waitFor !== undefined) return waitedFor(String(waitFor), live);
  if (kind === "pods") return pod(live);
  if (kind === "statefulsets") return statefulSet(live);
  return kind === "jobs" ? job(live) : { ready: true };
}

const POLL_MS = 200;

/** Time limit of a wait, and what ends it early. */
export interface Limits {
  seconds: number;
  signal: AbortSignal;
}

/**
 * Waits until a resource is ready.
 * @returns The live resource, and the reasons why it is not ready, where it is not.
 */
export async function awaitReady(
  kind: string,
  path: string,
  { seconds, signal }: Limits,
): Promise<{ live: Fields; reasons?: string[] }> {
  let live: Fields = {};
  let reasons: string[] = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(POLL_MS)) {
    const now = await get(path);
    if (!now) return { live, reasons: ["it was deleted while it was waited for"] };
    live = now;
    const state = readiness(kind, live);
    if ("ready" in state) return { live };
    reasons = "failed" in state ? state.failed : state.waiting;
    const { name } = live.metadata as { name: string };
    if (signal.aborted) return { live, reasons: [`Resource operation was cancelled for "${name}"`] };
    if ("failed" in state) break;
  }
  return { live, reasons: [...reasons, ...(kind === "jobs" ? await podProblems(live) : [])] };
}

/** Waits until the resource with this uid is gone. */
export async function awaitGone(path: string, uid: unknown, { seconds, signal }: Limits): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(POLL_MS / 2)) {
    const live = await get(path);
    if (!live || field(live, "metadata", "uid") !== uid) return;
    if (signal.aborted) throw new Error(`Resource operation was cancelled for ${path}`);
  }
  throw new Error(`${path} is still there after ${seconds} s`);
}
