#!/usr/bin/env node
// The command `wq`. An installed package runs what was compiled; a checkout runs its sources, by way of
// local/launch.mjs, which brings a new enough Node.js and the dependencies. Plain JavaScript, for any Node.js from 18
// on.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NEEDED = [22, 18];
const sources = fileURLToPath(new URL("main.ts", import.meta.url));
const compiled = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
// Node.js strips no types below node_modules.
const installed = /[\\/]node_modules[\\/]/.test(sources) || !existsSync(sources);

if (installed && existsSync(compiled)) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
    console.error(`wq: Node.js ${NEEDED.join(".")} or newer is needed, this is ${process.versions.node}`);
    process.exit(3);
  }
  await import(new URL("../dist/cli/main.js", import.meta.url).href);
} else {
  process.argv.splice(2, 0, "cli/main.ts");
  await import("../local/launch.mjs");
}
