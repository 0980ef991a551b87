// Readings of a pod: its log, its events.
import { oneLine } from "../config/foreignText.ts";
import type { CoreV1Api, CoreV1Event } from "@kubernetes/client-node";

/** Number of lines that a worker's runners may still print after its parting words. */
const LOG_TAIL = 50;

/** The last line that a pod printed; undefined if it has not started, or logs may not be read. */
export async function lastLine(core: CoreV1Api, namespace: string, name: string): Promise<string | undefined> {
  const line = await logTail(core, namespace, name, 1);
  return line && oneLine(line);
}

/** The events of a pod; none if they may not be read. */
export async function podEvents(core: CoreV1Api, namespace: string, name: string): Promise<CoreV1Event[]> {
  try {
    return (await core.listNamespacedEvent({ namespace, fieldSelector: `involvedObject.name=${name}` })).items;
  } catch {
    return [];
  }
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
