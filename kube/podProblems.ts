// Problems that keep the pods of a Job, or of Redis, from starting or staying, in the words of the kubelet, the
// scheduler, the API server, or their own.
import { oneLine } from "../config/foreignText.ts";
import type { CoreV1Api, CoreV1Event, V1Pod } from "@kubernetes/client-node";

/** Something that keeps pods from starting. */
export interface StartProblem {
  /** The line to say. */
  line: string;
  /** Only a person can solve it; otherwise waiting may help. */
  fatal: boolean;
  /** The subject, where the line differs from look to look: it is told once. The problem has lasted already. */
  about?: string;
}

/** The kubelet's reasons for an image that it cannot get (kubernetes: pkg/kubelet/images/types.go). */
const PULL_FAILURES = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "ImageInspectError",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);
const NO_CONTAINER = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

/** True if a container of it runs, or ran. */
export function hasStarted({ status }: V1Pod): boolean {
  return status?.containerStatuses?.some(({ state }) => Boolean(state?.running ?? state?.terminated)) ?? false;
}

/** The problem that keeps all of these pods from starting; undefined where one has none, or there are no pods. */
export function podProblem(pods: V1Pod[]): StartProblem | undefined {
  const problems = pods.map(problemOf);
  return problems.every((problem) => problem !== undefined) ? problems[0] : undefined;
}

function problemOf({ metadata, status }: V1Pod): StartProblem | undefined {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { image, state } of containers) {
    const { reason = "", message = reason } = state?.waiting ?? {};
    if (PULL_FAILURES.has(reason)) return { fatal: true, line: pullLine(image, message) };
    if (NO_CONTAINER.has(reason))
      return { fatal: true, line: `Pod ${metadata!.name} does not start: ${firstLine(message)}` };
  }
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status !== "False" || scheduled.reason !== "Unschedulable") return undefined;
  return { fatal: false, line: `Pod ${metadata!.name} waits for a node: ${firstLine(scheduled.message ?? "")}` };
}

function pullLine(image: string, message: string): string {
  const known = /^(Back-off pulling image "[^"]*": )?(ErrImagePull: )?(rpc error: code = \w+ desc = )?/;
  const ask =
    "is the name right, and may the cluster pull it (`registryUsername` and `registryPassword`, or `pullSecret`)?";
  return `The cluster cannot pull ${image}: ${firstLine(message.replace(known, ""))}; ${ask}`;
}

/**
 * The reason of the API server for admitting no pod of a Job or StatefulSet: a quota, a policy, a ServiceAccount that
 * does not exist.
 */
export function admissionProblem(owner: string, events: CoreV1Event[]): StartProblem | undefined {
  const refused = events.findLast(({ reason }) => reason === "FailedCreate");
  if (!refused) return undefined;
  const reason = firstLine(refused.message ?? "").replace(/^Error creating: /, "");
  return { fatal: true, line: `${owner} gets no pod: ${reason}` };
}

/** A pod that runs for longer and is not ready is worth a warning. */
const UNREADY_MS = 60_000;

/**
 * The problem of pods that started, and of which none stays, or gets ready; undefined where one of them is well. A
 * restart may mend it.
 * @param lastLine Reads the last line of a pod's log.
 */
export async function lifeProblem(
  pods: V1Pod[],
  lastLine: (pod: string) => Promise<string | undefined>,
  now = Date.now(),
): Promise<StartProblem | undefined> {
  const wanted = pods.filter(({ metadata }) => !metadata?.deletionTimestamp);
  if (!wanted.every((pod) => wasNeverReady(pod))) return undefined;
  for (const pod of wanted) {
    const end = repeatedEnd(pod);
    if (!end) continue;
    const how = end.reason === "OOMKilled" ? "out of memory (OOMKilled)" : `with exit code ${end.exitCode}`;
    const words = oneLine(end.message?.trim().split("\n").at(-1) ?? "") || "it printed nothing";
    return { fatal: false, about: how, line: `Pod ${pod.metadata!.name} keeps ending, ${how}: ${words}` };
  }
  const [first] = wanted;
  if (!first || !wanted.every((pod) => now - (runningSince(pod) ?? now) > UNREADY_MS)) return undefined;
  const { name } = first.metadata!;
  const words = (await lastLine(name!)) || "it printed nothing";
  return { fatal: false, about: "unready", line: `Pod ${name} runs for over a minute and is not ready: ${words}` };
}

/** Parting words of a worker that was told by Redis that the batch is over (worker/log.ts, worker/main.ts). */
const OVER = /exiting$|"event":"ended"/m;
/** After them, what its runners still print, lines. */
const LOG_TAIL = 50;

/**
 * The problem of pods that ended well and nevertheless hold a batch up: another container keeps the pod, or the image
 * ran something else.
 * @param mustEnd Their Job is waited for; otherwise they are workers, whose Job outlives them.
 * @param tail Reads the last lines of a pod's log.
 */
export async function endProblem(
  pods: V1Pod[],
  mustEnd: boolean,
  tail: (pod: string) => Promise<string | undefined>,
): Promise<StartProblem | undefined> {
  const [first] = pods;
  if (!first || !pods.every(hasEndedWell)) return undefined;
  const { name } = first.metadata!;
  if (mustEnd) {
    const other = first.status!.containerStatuses!.find(({ state }) => state?.running)?.name;
    const way =
      "a label or an annotation in `auxPod` and `pod` keeps it out, or `restartPolicy: Always` in an init container";
    const line = `Pod ${name} cannot end, since its container ${other} goes on: ${way}`;
    return other === undefined ? undefined : { fatal: true, line };
  }
  const text = await tail(name!);
  if (text === undefined || OVER.test(text)) return undefined;
  return { fatal: true, line: noWorkLine(name!, text) };
}

/** The line about a pod that ran something else than it was to run. @param log The end of what it printed. */
export const noWorkLine = (name: string, log: string): string =>
  `Pod ${name} ended without work: the image's ENTRYPOINT must run its arguments, or \`entrypoint: false\` leaves it out; it printed: ${oneLine(log.split("\n").at(-1)!) || "nothing"}`;

const hasEndedWell = ({ status }: V1Pod) =>
  status?.containerStatuses?.find(({ name }) => name === "c")?.state?.terminated?.exitCode === 0;

/** True if its container is not ready, and was not since it last started. */
function wasNeverReady(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True" || pod.status?.phase === "Succeeded") return false;
  const since = runningSince(pod);
  return since === undefined || !ready?.lastTransitionTime || ready.lastTransitionTime.getTime() <= since;
}

const runningSince = ({ status }: V1Pod) =>
  status?.containerStatuses?.find(({ state }) => state?.running)?.state?.running?.startedAt?.getTime();

/** The last end of a container that is down and was started again before. */
function repeatedEnd({ status }: V1Pod) {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const down = containers.find(({ restartCount, state }) => restartCount > 0 && !state?.running);
  const end = down?.state?.terminated ?? down?.lastState?.terminated;
  return end?.exitCode === 0 ? undefined : end;
}

/** The last line that a pod printed; undefined where it has not started, or logs are not ours to read. */
export async function lastLine(core: CoreV1Api, namespace: string, name: string): Promise<string | undefined> {
  const line = await logTail(core, namespace, name, 1);
  return line && oneLine(line);
}

/** The same for its last lines, as they are. */
export async function logTail(
  core: CoreV1Api,
  namespace: string,
  name: string,
  tailLines = LOG_TAIL,
): Promise<string | undefined> {
  try {
    return (await core.readNamespacedPodLog({ name, namespace, container: "c", tailLines })).trim();
  } catch {
    return undefined;
  }
}

const firstLine = (text: string) => oneLine(text.split("\n", 1)[0]!);
