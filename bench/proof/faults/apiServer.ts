// Faults of the API server.
import { killDaemon, reviveDaemon } from "../../../local/node/nodeControl.ts";
import type { Field } from "../field.ts";

/** Kills the API server, and starts it again after a while. */
export async function absentApiServer(field: Field, { at = 0.2, forMs = 60_000 } = {}): Promise<void> {
  await field.reached(at);
  if (field.isOver) return;
  const time = Date.now();
  await killDaemon("apiserver");
  try {
    const { ok } = await field.kubectl("get", "pods");
    if (!ok) field.happened("API server away", time);
    await field.pause(forMs);
  } finally {
    await reviveDaemon("apiserver");
  }
}
