// Work that leaves a trace outside Redis: one line when a run of an item begins, one when it ends.
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ItemContext } from "../../../queue/index.ts";

const workMs = Number(process.env.PROOF_WORK_MS);
const pod = process.env.POD_NAME;

/** Appends a line; the kernel keeps lines of several processes apart. */
function note(event: "start" | "end", item: string, run: string): void {
  appendFileSync("/runs/log", `${event} ${item} ${run} ${pod} ${Date.now()}\n`);
}

/** @returns Name of the run, so that a result can be traced to it. */
export default async function work(item: string, { signal }: ItemContext): Promise<string> {
  const run = randomBytes(9).toString("base64url");
  note("start", item, run);
  await sleep(workMs, undefined, { signal });
  note("end", item, run);
  return run;
}
