// The Kubernetes client as one file. It consists of a thousand modules, which take longer to load than everything else
// that a preview does.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type * as client from "@kubernetes/client-node";

type Client = typeof client;

/** The part of it that is used. */
const EXPORTS = [
  "ApiException",
  "ApisApi",
  "BatchV1Api",
  "CoreV1Api",
  "CustomObjectsApi",
  "KubeConfig",
  "KubernetesObjectApi",
  "PatchStrategy",
  "PortForward",
  "setHeaderOptions",
  "VersionApi",
] as const satisfies (keyof Client)[];

type UsedClient = Pick<Client, (typeof EXPORTS)[number]>;

/** CommonJS packages expect it, and an ES module does not have it. */
const BANNER =
  'import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);';

let loading: Promise<UsedClient> | undefined;

/** Loads the client from its bundle, which is made if it is missing; if that fails, from its modules. */
export function loadClient(): Promise<UsedClient> {
  return (loading ??= bundled().catch(() => import("@kubernetes/client-node")));
}

async function bundled(): Promise<UsedClient> {
  const path = createRequire(import.meta.url).resolve("@kubernetes/client-node");
  const modules = path.slice(0, path.lastIndexOf(sep, path.lastIndexOf("@kubernetes") - 1));
  // npm's own record of every version that is installed: after any other `npm install` the bundle is another one.
  const installed = readFileSync(join(modules, ".package-lock.json"));
  const digest = createHash("sha256").update(installed).update(EXPORTS.join()).digest("hex").slice(0, 16);
  const file = join(modules, ".cache/job-wq-2", `kubernetes-client-${digest}.mjs`);
  if (!existsSync(file)) await bundle(modules, file);
  return (await import(pathToFileURL(file).href)) as UsedClient;
}

async function bundle(resolveDir: string, outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  mkdirSync(join(outfile, ".."), { recursive: true });
  const half = `${outfile}-${process.pid}`;
  await build({
    stdin: { contents: `export { ${EXPORTS.join(", ")} } from "@kubernetes/client-node";`, resolveDir },
    outfile: half,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    minifyWhitespace: true,
    legalComments: "none",
    banner: { js: BANNER },
    logLevel: "silent",
  });
  renameSync(half, outfile);
}
