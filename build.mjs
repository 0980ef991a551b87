// `npm pack` runs this first: compiles the library, the programs of the image and the command line to dist/, since
// Node.js strips no types below node_modules.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const ASSETS = [
  "config/nodeVersion.mjs",
  "config/requireNode.mjs",
  "queue/scripts",
  "components/redis/start.sh",
  "components/image/copy-node.sh",
  "worker/Dockerfile",
  "worker/runner/python",
  "worker/start-node.sh",
  "cli/report/browser/page.css",
  "cli/ui/browser/page.css",
];

rmSync("dist", { recursive: true, force: true });
execFileSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
for (const path of ASSETS) cpSync(path, `dist/${path}`, { recursive: true });

// CommonJS programs have doors of their own: Node.js loads ES modules for them, but TypeScript wants types that say so.
const ownImport = /((?:from|import\() ?"\.{1,2}\/[^"]*)\.ts"/g;
for (const path of globSync("dist/**/*.d.ts")) {
  const types = readFileSync(path, "utf8").replaceAll(/^import "[^"]*";\n/gm, ""); // what only runs has no types
  writeFileSync(path, types.replaceAll(ownImport, '$1.js"'));
  writeFileSync(path.replace(/ts$/, "cts"), types.replaceAll(ownImport, '$1.cjs"'));
}
for (const door of ["components", "queue"])
  writeFileSync(`dist/${door}/index.cjs`, 'module.exports = require("./index.js");\n');
