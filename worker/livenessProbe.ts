// The liveness probe: fails when the worker's event loop hangs for longer than its items may take. One that is merely
// busy, up to `itemTimeout`, is alive.
import { statSync } from "node:fs";
import { workerSettings } from "../config/environment.ts";
import { ALIVE } from "./heartbeatFile.ts";

/** The worker's own thread ends a hung process at the time limit; this is for when that hangs too. */
const MARGIN_MS = 30_000;
const limit = workerSettings(process.env).itemTimeout + MARGIN_MS;
// A handler may have emptied /tmp; the worker touches the file again when its event loop turns.
const touchedAt = statSync(ALIVE, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
const age = Date.now() - touchedAt;
if (age > limit) {
  console.error(`The event loop has not turned for ${Math.round(age / 1000)} s`);
  process.exit(1);
}
