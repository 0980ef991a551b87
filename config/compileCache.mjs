// Runs before the program (Pulumi.yaml): keeps the compiled code of all modules, Pulumi's own among them, for the
// next run. JavaScript, because what strips types is large, and what it makes is kept only from here on.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Beside what is compiled, so that it goes with it. Where it cannot be written there is none.
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/compiled"));
