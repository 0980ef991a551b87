// `npm pack` runs this first: compiles the library, the programs of the image and the command line to dist/, since
// Node.js strips no types below node_modules.
import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";

const ASSETS = [
  "config/nodeVersion.mjs",
  "config/requireNode.mjs",
  "queue/scripts",
  "components/redis/start.sh",
  "components/image/copy-node.sh",
  "worker/Dockerfile",
  "worker/start-node.sh",
  "cli/report/browser/page.css",
];

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
for (const path of ASSETS) cpSync(path, `dist/${path}`, { recursive: true });
