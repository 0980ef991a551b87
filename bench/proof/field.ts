// A batch at work, seen from outside, while faults happen to it.
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "../../test/support/platform.ts";
import type { RunLog } from "./runs.ts";

/** A fault that happened. */
export interface FaultRecord {
  what: string;
  /** Milliseconds since 1970. */
  at: number;
  /** Its end, if it lasted and nothing could go on meanwhile. */
  until?: number;
  /** Pods whose processes it ended. */
  pods: string[];
}

/** A pod of the batch. */
export interface Pod {
  name: string;
  uid: string;
  node: string;
}

interface PodObject {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: { containerStatuses?: { state?: { running?: object } }[] };
}

const POLL_MS = 200;

/** A batch at work. */
export class Field {
  readonly faults: FaultRecord[] = [];
  readonly namespace: string;
  readonly #items: number;
  readonly #log: RunLog;
  readonly #over: AbortSignal;

  /** @param over Aborts when `up` has ended. */
  constructor(namespace: string, items: number, log: RunLog, over: AbortSignal) {
    this.namespace = namespace;
    this.#items = items;
    this.#log = log;
    this.#over = over;
  }

  get isOver(): boolean {
    return this.#over.aborted;
  }

  /** Share of the items that were run to their end. */
  get share(): number {
    return this.#log.read() / this.#items;
  }

  /** Waits until this share is done, or `up` has ended. */
  async reached(share: number): Promise<void> {
    while (!this.isOver && this.share < share) await sleep(POLL_MS);
  }

  /** Waits, at most until `up` has ended. */
  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#over }).catch(() => {});
  }

  /** Notes a fault that was seen to happen. */
  happened(what: string, at: number, pods: Pod[] = []): FaultRecord {
    const record: FaultRecord = { what, at, pods: pods.map(({ name }) => name) };
    this.faults.push(record);
    return record;
  }

  /** kubectl in the batch's namespace; it may fail. */
  kubectl(...args: string[]): Promise<{ ok: boolean; text: string }> {
    return say("kubectl", ["--namespace", this.namespace, "--request-timeout=10s", ...args]);
  }

  /** Pods of a component whose container runs; none if the cluster does not answer. */
  async pods(component: "worker" | "redis" | "supervisor"): Promise<Pod[]> {
    const label = `app.kubernetes.io/component=${component}`;
    const { ok, text } = await this.kubectl("get", "pods", "--selector", label, "--output", "json");
    if (!ok) return [];
    const { items } = JSON.parse(text) as { items: PodObject[] };
    return items
      .filter(({ metadata, status }) => !metadata.deletionTimestamp && status.containerStatuses?.[0]?.state?.running)
      .map(({ metadata, spec }) => ({ name: metadata.name, uid: metadata.uid, node: spec.nodeName! }));
  }
}
