// Faults of Redis.
import { setTimeout as sleep } from "node:timers/promises";
import { pollUntil } from "../../../kube/poll.ts";
import type { Field } from "../field.ts";
import { killInPod } from "../processes.ts";

const POD = "redis-master-0";
const READY = { timeoutMs: 180_000, intervalMs: 200 };

/** The answer of Redis to a command; empty if it does not answer. */
async function ask(field: Field, ...args: string[]): Promise<string> {
  const { text } = await field.kubectl("exec", POD, "--", "redis-cli", ...args);
  return text;
}
const answers = async (field: Field) => (await ask(field, "ping")).trim() === "PONG";

/**
 * Kills Redis several times, as the kernel does when memory runs out. The claim keeps the data, except what was not on
 * disk yet.
 */
export async function killedRedis(field: Field, { at = [0.2, 0.6] } = {}): Promise<void> {
  for (const share of at) {
    await field.reached(share);
    if (field.isOver) return;
    const [pod] = await field.pods("redis");
    const time = pod && (await killInPod(pod, /^\S*redis-server /));
    if (time === undefined) continue;
    field.happened("Redis SIGKILLed", time);
    await pollUntil(() => answers(field), READY);
  }
}

/** Removes the pod of Redis, and starts another one after a while, with the data of the claim. */
export async function absentRedis(field: Field, { at = 0.3, forMs = 120_000 } = {}): Promise<void> {
  await field.reached(at);
  if (field.isOver) return;
  const scale = (replicas: number) => field.kubectl("scale", "statefulset/redis-master", `--replicas=${replicas}`);
  const { ok } = await scale(0);
  if (!ok) return;
  try {
    await field.kubectl("wait", `pod/${POD}`, "--for=delete", "--timeout=60s");
    const fault = field.happened("Redis away", Date.now());
    await field.pause(forMs);
    while (!(await scale(1)).ok) await sleep(1_000);
    await pollUntil(() => answers(field), READY);
    fault.until = Date.now();
  } catch (error) {
    await scale(1);
    throw error;
  }
}

/** Fills the disk of Redis, and frees it after a while. */
export async function fullDisk(field: Field, { at = 0.3, forMs = 30_000 } = {}): Promise<void> {
  await field.reached(at);
  if (field.isOver) return;
  const shell = (script: string) => field.kubectl("exec", POD, "--", "sh", "-c", script);
  await shell("cat /dev/zero >/data/filler; true");
  try {
    // Redis notices at its next write, and refuses those that follow.
    const refuses = async () => /aof_last_write_status:err/.test(await ask(field, "info", "persistence"));
    if (!(await pollUntil(refuses, { timeoutMs: 30_000, intervalMs: 200 }))) return;
    const fault = field.happened("disk full", Date.now());
    await field.pause(forMs);
    await shell("rm /data/filler");
    fault.until = Date.now();
  } finally {
    for (let tries = 0; tries < 60 && !(await shell("rm -f /data/filler")).ok; tries++) await sleep(1_000);
  }
}
