// Runs before the program (Pulumi.yaml): refuses a Node.js that cannot run it, and keeps the compiled code of all
// modules, Pulumi's own among them, for the next run. JavaScript for any Node.js from 18 on: what strips types is
// large, and what it makes is kept only from here on.
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { requireNode } from "./nodeVersion.mjs";

try {
  requireNode();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
// Beside what is compiled, so that it goes with it. If it cannot be written there is none.
module.enableCompileCache(join(fileURLToPath(new URL(".", import.meta.url)), "../node_modules/.cache/compiled"));
