// What `up` waits for, by kind, and how it learns that waiting is of no use: as the official provider does [src: provider/pkg/await].
import { setTimeout as sleep } from "node:timers/promises";
import { type Fields, isObject } from "../values.ts";
import { call, get } from "./api.ts";

/** How a resource stands: it is ready, it will never be (why), or neither. */
type Standing = { ready: true } | { failed: string[] } | { waiting: string[] };

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

function pod(live: Fields): Standing {
  const phase = field(live, "status", "phase");
  if (phase === "Succeeded" || conditions(live).some(({ type, status }) => type === "Ready" && status === "True")) {
    return { ready: true };
  }
  return { waiting: containerTroubles(live) };
}

function statefulSet(live: Fields): Standing {
  const number = (...path: string[]) => Number(field(live, ...path) ?? 0);
  const wanted = number("spec", "replicas");
  const current = field(live, "status", "currentRevision") === field(live, "status", "updateRevision");
  const observed = number("status", "observedGeneration") >= number("metadata", "generation");
  if (observed && current && number("status", "readyReplicas") === wanted) return { ready: true };
  return { waiting: [`${number("status", "readyReplicas")} of ${wanted} replicas are ready`] };
}

function job(live: Fields): Standing {
  for (const { type, status, reason, message } of conditions(live)) {
    if (status !== "True") continue;
    if (type === "Complete") return { ready: true };
    // Only for these does the official provider stop waiting.
    if (type === "Failed" && /^(BackoffLimitExceeded|DeadlineExceeded)$/.test(reason ?? ""))
      return { failed: [message ?? reason!] };
  }
  return { waiting: ["the Job is not complete"] };
}

/** Containers that wait or ended badly, with the last line they printed; of init containers the official provider says nothing. */
function containerTroubles(live: Fields): string[] {
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

/** What the pods of a Job say. */
async function podTroubles(live: Fields): Promise<string[]> {
  const { namespace, name } = live.metadata as { namespace: string; name: string };
  const pods = await call(
    "GET",
    `/api/v1/namespaces/${namespace}/pods?labelSelector=batch.kubernetes.io/job-name%3D${name}`,
  );
  return (pods.items as Fields[]).flatMap((one) =>
    containerTroubles(one).map(
      (line) => `[Pod ${namespace}/${String(field(one, "metadata", "name"))}]: ${line.trim()}`,
    ),
  );
}

/** How a resource stands now. Annotations say otherwise: `skipAwait` is ready at once, `waitFor` when its path has a value or its condition is met. */
export function standing(kind: string, live: Fields): Standing {
  if (annotation(live, "skipAwait") === "true") return { ready: true };
  const waitFor = annotation(live, "waitFor");
  if (waitFor !== undefined) {
    const condition = /^condition=(\w+)$/.exec(String(waitFor))?.[1];
    if (condition) {
      const met = conditions(live).some(({ type, status }) => type === condition && status === "True");
      return met ? { ready: true } : { waiting: [`it is not ${condition} yet`, ...containerTroubles(live)] };
    }
    const path = /^jsonpath=\{\.([\w.]+)\}$/.exec(String(waitFor))?.[1];
    if (!path)
      return {
        failed: [`pulumi.com/waitFor: ${String(waitFor)} is more than the local platform's plugin understands`],
      };
    return field(live, ...path.split(".")) === undefined ? { waiting: [`no ${path} yet`] } : { ready: true };
  }
  if (kind === "pods") return pod(live);
  if (kind === "statefulsets") return statefulSet(live);
  return kind === "jobs" ? job(live) : { ready: true };
}

/** Waits until a resource is ready. @returns The live resource, and why it is not, where it is not. */
export async function awaitReady(
  kind: string,
  path: string,
  seconds: number,
): Promise<{ live: Fields; reasons?: string[] }> {
  let live: Fields = {};
  let why: string[] = [];
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(200)) {
    const now = await get(path);
    if (!now) return { live, reasons: ["it was deleted while it was waited for"] };
    live = now;
    const stands = standing(kind, live);
    if ("ready" in stands) return { live };
    why = "failed" in stands ? stands.failed : stands.waiting;
    if ("failed" in stands) break;
  }
  return { live, reasons: [...why, ...(kind === "jobs" ? await podTroubles(live) : [])] };
}

/** Waits until it is gone. */
export async function awaitGone(path: string, uid: unknown, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(100)) {
    const live = await get(path);
    if (!live || field(live, "metadata", "uid") !== uid) return;
  }
  throw new Error(`${path} is still there after ${seconds} s`);
}
