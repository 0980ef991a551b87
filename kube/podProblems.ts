// Problems that keep the pods of a Job, or of Redis, from starting, in the words of the kubelet, the scheduler
// or the API server.
import { oneLine } from "../config/foreignText.ts";
import type { CoreV1Event, V1Pod } from "@kubernetes/client-node";

/** Something that keeps pods from starting. */
export interface StartProblem {
  /** The line to say. */
  line: string;
  /** True if only a person can solve it; otherwise waiting may help. */
  fatal: boolean;
  /** The subject, if the line differs from look to look, so that it is told once. Such a problem has lasted already. */
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

/** True if a pod is wanted: it has not ended, and is not being deleted. */
const isWanted = ({ metadata, status }: V1Pod) => !metadata?.deletionTimestamp && status?.phase !== "Failed";

/** The problem that keeps all of these pods from starting; undefined if one has none, or there are no pods. */
export function podProblem(pods: V1Pod[]): StartProblem | undefined {
  const problems = pods.filter(isWanted).map(problemOf);
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

/** A pod that has not started after this long is worth a warning, ms. */
const SLOW_MS = 60_000;

/**
 * The cause why none of these pods has started yet, in the words of the newest event: a volume, the network, a long
 * pull.
 * @param eventsOf Reads the events of a pod.
 */
export async function slowProblem(
  pods: V1Pod[],
  eventsOf: (pod: string) => Promise<CoreV1Event[]>,
  now = Date.now(),
): Promise<StartProblem | undefined> {
  const isSlow = ({ status }: V1Pod) =>
    status?.phase === "Pending" && now - (status.startTime?.getTime() ?? now) > SLOW_MS;
  const wanted = pods.filter(isWanted);
  if (wanted.length === 0 || !wanted.every(isSlow)) return undefined;
  const { name } = wanted[0]!.metadata!;
  // The client reads `eventTime`, which has microseconds, as a text.
  const time = ({ lastTimestamp, eventTime }: CoreV1Event) => new Date(lastTimestamp ?? eventTime ?? 0).getTime();
  const newest = (await eventsOf(name!)).sort((a, b) => time(a) - time(b)).at(-1);
  if (!newest?.message) return undefined;
  const line = `Pod ${name} has not started after a minute: ${firstLine(newest.message)}`;
  return { fatal: false, about: newest.reason ?? "slow", line };
}

const firstLine = (text: string) => oneLine(text.split("\n", 1)[0]!);
