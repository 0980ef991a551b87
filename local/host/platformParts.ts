// Parts of the platform that Debian does not have: downloaded as their publishers release them, or else built.
import { join } from "node:path";
import { cached, entryPath, hash } from "./cache.ts";
import { buildKey, goBuild, goBuilds, type GoBuild } from "./go.ts";
import { download } from "./releases.ts";

/** Sources of each part. */
const builds = {
  kubernetes: [goBuilds.kubernetes],
  coredns: [goBuilds.coredns],
  kubectl: [goBuilds.kubectl],
  "plugin-kubernetes": [goBuilds.kubernetesProvider],
  // A release of Pulumi has its language hosts with it.
  pulumi: [goBuilds.pulumi, goBuilds.langhost],
  pause: [goBuilds.pause],
  // For a test of programs in other languages; the platform itself has no use for it.
  "pulumi-yaml": [goBuilds.yaml],
} satisfies Record<string, GoBuild[]>;

/** Name of a part. */
export type Part = keyof typeof builds;

/** Cache key of a part, however it is made. */
export const partKey = (part: Part) => hash(builds[part].map(buildKey));

/** Path of a part's command, whether it exists or not. */
export const partCommand = (part: Part, command: string) => join(entryPath(part, partKey(part)), command);

/** Folder with a part's commands, and how they came to be there. */
export async function provide(part: Part): Promise<{ dir: string; how: string }> {
  let how = "from the cache";
  const { dir } = await cached(part, partKey(part), async (half) => {
    how = "downloaded";
    if (await download(part, half)) return;
    how = "built";
    for (const build of builds[part]) await goBuild(build, half);
  });
  return { dir, how };
}
