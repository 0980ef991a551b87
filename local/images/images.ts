// Base images, under the names that unmodified Dockerfiles and manifests use. Where no public registry can be reached they are assembled
// from Debian packages and the Node.js binary that npm serves; elsewhere they are pulled.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached, hash } from "../host/cache.ts";
import type { DockerEngine } from "./docker.ts";
import { goBuild, moduleKey } from "../host/go.ts";
import { debianMirror } from "../host/preflight.ts";
import { registry, stateDir } from "../paths.ts";
import { run } from "../host/exec.ts";
import { nodeVersion } from "../versions.ts";

/** How an image is assembled: a Debian suite with packages, files added to it, and what its containers run by default. */
interface Recipe {
  /** Name in the local registry. */
  name: string;
  /** Name to pull it by, where that works. */
  upstream: string;
  suite?: string;
  packages?: string[];
  /** Shell commands run on the finished tree, which is `$1`; `$NODE`, `$PAUSE` and `$HERE` are files of ours. */
  hooks: string[];
  /** Lines of a Dockerfile: CMD, ENTRYPOINT, ENV, WORKDIR. */
  changes: string[];
}

export const recipes: Recipe[] = [
  {
    name: "pause:3.10",
    upstream: "registry.k8s.io/pause:3.10",
    hooks: ['cp "$PAUSE" "$1/pause"'],
    changes: ['ENTRYPOINT ["/pause"]', "USER 65535:65535"],
  },
  {
    name: "library/redis:8",
    upstream: "redis:8",
    suite: "trixie",
    packages: ["redis-server", "redis-tools"],
    hooks: [
      'cp "$HERE/redis-entrypoint.sh" "$1/usr/local/bin/docker-entrypoint.sh"',
      'chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"',
      'mkdir -p "$1/data" && chmod 1777 "$1/data"',
    ],
    changes: ['ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["redis-server"]', "WORKDIR /data", "EXPOSE 6379"],
  },
  {
    name: "library/node:24-slim",
    upstream: "node:24-slim",
    suite: "bookworm",
    packages: ["libstdc++6", "ca-certificates"],
    hooks: ['cp "$NODE" "$1/usr/local/bin/node"', 'chroot "$1" useradd --uid 1000 --create-home node'],
    changes: ['CMD ["node"]', `ENV NODE_VERSION=${nodeVersion}`],
  },
  {
    name: "library/python:3-slim",
    upstream: "python:3-slim",
    suite: "bookworm",
    packages: ["python3", "ca-certificates"],
    hooks: ['ln -s /usr/bin/python3 "$1/usr/local/bin/python3"', 'ln -s python3 "$1/usr/local/bin/python"'],
    changes: ['CMD ["python3"]'],
  },
];

const here = import.meta.dirname;

/** Cache key of an image's file tree. */
export function recipeKey(recipe: Recipe): string {
  const uses = (variable: string) => recipe.hooks.some((hook) => hook.includes(variable));
  const inputs = [uses("$NODE") ? nodeVersion : "", uses("$PAUSE") ? moduleKey("pause") : ""];
  return hash(
    [JSON.stringify(recipe), process.arch, ...inputs],
    uses("$HERE") ? [join(here, "redis-entrypoint.sh")] : [],
  );
}

async function nodeBinary(): Promise<string> {
  const { dir } = await cached("node-binary", `${nodeVersion}-${process.arch}`, async (half) => {
    const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", "--prefix", half, ...flags, `node-linux-${process.arch}@${nodeVersion}`], {
      cwd: half,
    });
  });
  return join(dir, "node_modules", `node-linux-${process.arch}`, "bin", "node");
}

/** File tree of an image, as a tar file in the cache. */
export async function rootfs(recipe: Recipe): Promise<{ dir: string; built: boolean }> {
  const name = `image-${recipe.name.replace(/[/:]/g, "-")}`;
  return cached(name, recipeKey(recipe), async (half) => {
    const env = {
      PAUSE: join((await goBuild("pause")).dir, "pause"),
      NODE: recipe.packages?.includes("libstdc++6") ? await nodeBinary() : "",
      HERE: here,
    };
    const tar = join(half, "rootfs.tar");
    if (!recipe.suite) {
      const script = ['mkdir "$1"', ...recipe.hooks, 'tar -C "$1" --numeric-owner -cf "$2" .', 'rm -r "$1"'].join(
        " && ",
      );
      await run("sh", ["-c", script, "sh", join(half, "tree"), tar], { env });
      return;
    }
    const slim = ["doc", "man", "locale", "info"].map((dir) => `--dpkgopt=path-exclude=/usr/share/${dir}/*`);
    const hooks = recipe.hooks.map((hook) => `--customize-hook=${hook}`);
    const include = `--include=${recipe.packages!.join(",")}`;
    const args = ["--variant=minbase", "--mode=root", include, ...slim, ...hooks, recipe.suite, tar, debianMirror()];
    await run("mmdebstrap", args, { env });
  });
}

const stampFile = join(stateDir, "images.json");

function stamps(): Record<string, string> {
  return existsSync(stampFile) ? (JSON.parse(readFileSync(stampFile, "utf8")) as Record<string, string>) : {};
}

async function inRegistry(recipe: Recipe): Promise<boolean> {
  const [name, tag] = recipe.name.split(":");
  const accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  const answer = await fetch(`http://${registry}/v2/${name}/manifests/${tag}`, { method: "HEAD", headers: { accept } });
  return answer.ok && stamps()[recipe.name] === recipeKey(recipe);
}

/** Puts an image into the local registry where it is missing. @returns How. */
export async function pushImage(recipe: Recipe, docker: DockerEngine): Promise<string> {
  if (await inRegistry(recipe)) return "there already";
  const target = `${registry}/${recipe.name}`;
  const call = (...args: string[]) => run("docker", args, { env: { DOCKER_HOST: docker.host } });
  let how = "pulled";
  const pulled = !docker.ours && (await call("pull", recipe.upstream).catch(() => undefined)) !== undefined;
  if (pulled) {
    await call("tag", recipe.upstream, target);
  } else {
    const { dir, built } = await rootfs(recipe);
    const changes = recipe.changes.flatMap((change) => ["--change", change]);
    await call("import", ...changes, join(dir, "rootfs.tar"), target);
    how = built ? "assembled" : "from the cache";
  }
  await call("push", target);
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(stampFile, JSON.stringify({ ...stamps(), [recipe.name]: recipeKey(recipe) }));
  return how;
}
