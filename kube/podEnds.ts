// Problems of pods that started: they end again and again, do not get ready, or end without work. Each is told in the
// words of the pod or of the runtime.
import { oneLine } from "../config/foreignText.ts";
import { reasonIn } from "../config/lastLine.ts";
import type { V1ContainerStateTerminated, V1Pod } from "@kubernetes/client-node";
import type { StartProblem } from "./podProblems.ts";

/** The runtime's reasons for a container that it cannot start. */
const UNSTARTABLE = new Set(["StartError", "ContainerCannotRun"]);
/** A pod that is not ready after this long is worth a warning, ms. */
const UNREADY_MS = 60_000;
/** Last line of a worker that has nothing to do: its batch is paused, or the list empty (worker/log.ts). */
const IDLE = /^Waiting for work$|"event":"waiting"/;

/** The init container that installs the packages of `requirements`. After MAX_INSTALLS failures it is given up. */
export const REQUIREMENTS = "requirements";
const MAX_INSTALLS = 3;

/**
 * The problem of pods that started, if none of them stays or gets ready; undefined if one of them is well. A restart
 * may solve it.
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
    const ended = repeatedEnd(pod);
    if (!ended) continue;
    const { end, container, restarts } = ended;
    const words = endWords(end);
    if (container === REQUIREMENTS && restarts >= MAX_INSTALLS)
      return { fatal: true, line: `Pod ${pod.metadata!.name} cannot install \`requirements\`: ${words}` };
    if (UNSTARTABLE.has(end.reason ?? ""))
      return { fatal: true, line: `Pod ${pod.metadata!.name} does not start: ${words}` };
    const how = end.reason === "OOMKilled" ? "out of memory (OOMKilled)" : `with exit code ${end.exitCode}`;
    return { fatal: false, about: how, line: `Pod ${pod.metadata!.name} keeps ending, ${how}: ${words}` };
  }
  const [first] = wanted;
  if (!first || !wanted.every((pod) => now - (runningSince(pod) ?? now) > UNREADY_MS)) return undefined;
  const { name } = first.metadata!;
  const words = (await lastLine(name!)) || "it printed nothing";
  if (IDLE.test(words)) return undefined;
  return { fatal: false, about: "unready", line: `Pod ${name} runs for over a minute and is not ready: ${words}` };
}

/** Last words of a container that ended, or of the runtime that could not start it. */
export function endWords({ reason = "", message = "" }: V1ContainerStateTerminated): string {
  const words = oneLine(reasonIn(message)) || "it printed nothing";
  const cause = UNSTARTABLE.has(reason)
    ? words.replace(/^.*unable to start container process: (error during container init: )?|: unknown$/g, "")
    : words;
  const [, way] = WAYS.find(([start]) => start.test(cause)) ?? [];
  return way === undefined ? cause : `${cause} ${way}`;
}

/** Advice, by the words of the container runtime. */
const WAYS: [words: RegExp, way: string][] = [
  [/chdir to cwd/, "(the image's WORKDIR is closed to this user: `runAsUser` chooses another, `files` another folder)"],
  [/exec format error/, "(the image is for another processor than the node's: `platform`, or `nodeSelector`)"],
  [
    /\/job-wq-2\/(node|code)\/.*no such file/,
    "(`image` is for an image that this project built: any other one is `baseImage`)",
  ],
];

/**
 * The end of a pod that was at work, because of its memory or its node. The batch goes on; the same may happen again.
 */
export function lossProblem(pods: V1Pod[], memory = "resources.limits.memory"): StartProblem | undefined {
  for (const { metadata, status } of pods) {
    const { name } = metadata!;
    if (status?.phase === "Failed" && status.reason)
      return {
        fatal: false,
        about: status.reason,
        line: `Pod ${name} failed (${status.reason}): ${oneLine(reasonIn(status.message ?? ""))}`,
      };
    const ends = status?.containerStatuses?.map(({ state, lastState }) => state?.terminated ?? lastState?.terminated);
    if (ends?.some((end) => end?.reason === "OOMKilled"))
      return {
        fatal: false,
        about: "OOMKilled",
        line: `Pod ${name} ran out of memory (OOMKilled): raise \`${memory}\``,
      };
  }
  return undefined;
}

/** Parting words of a worker that was told by Redis that the batch is over (worker/log.ts, worker/main.ts). */
const OVER = /exiting$|"event":"ended"/m;

/**
 * The problem of pods that ended well and still hold a batch up: another container keeps the pod, or the image ran
 * something else.
 * @param mustEnd True if their Job is waited for. Otherwise they are workers, whose Job outlives them.
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

/** The line about a pod that ran something other than our program. @param log The end of its output. */
export const noWorkLine = (name: string, log: string): string =>
  `Pod ${name} ended without work: the image's ENTRYPOINT must run its arguments, or \`entrypoint: false\` leaves it out; it printed: ${oneLine(log.split("\n").at(-1)!) || "nothing"}`;

const hasEndedWell = ({ status }: V1Pod) =>
  status?.containerStatuses?.find(({ name }) => name === "c")?.state?.terminated?.exitCode === 0;

/** True if its container is not ready, and has not been ready since its last start. */
function wasNeverReady(pod: V1Pod): boolean {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "True" || pod.status?.phase === "Succeeded") return false;
  const since = runningSince(pod);
  return since === undefined || !ready?.lastTransitionTime || ready.lastTransitionTime.getTime() <= since;
}

const runningSince = ({ status }: V1Pod) =>
  status?.containerStatuses?.find(({ state }) => state?.running)?.state?.running?.startedAt?.getTime();

/** The last end of a container that is down and was started again before, and how often. */
function repeatedEnd({ status }: V1Pod) {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const down = containers.find(({ restartCount, state }) => restartCount > 0 && !state?.running);
  const end = down?.state?.terminated ?? down?.lastState?.terminated;
  if (!down || !end || end.exitCode === 0) return undefined;
  return { end, container: down.name, restarts: down.restartCount };
}
