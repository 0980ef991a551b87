import { createRequire as jobWqRequire } from "node:module";
import { dirname as jobWqDirname } from "node:path";
const require = jobWqRequire(import.meta.url), __filename = import.meta.filename, __dirname = jobWqDirname(__filename);

// worker/livenessProbe.ts
import { statSync } from "node:fs";

// worker/heartbeatFile.ts
var ALIVE = "/tmp/alive";

// worker/livenessProbe.ts
var MARGIN_MS = 3e4;
var limit = Number(process.env.WQ_ITEM_TIMEOUT ?? 36e5) + MARGIN_MS;
var age = Date.now() - statSync(ALIVE).mtimeMs;
if (age > limit) {
  console.error(`The event loop has not turned for ${Math.round(age / 1e3)} s`);
  process.exit(1);
}
