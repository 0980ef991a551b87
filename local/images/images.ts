// Base images, under the names that unmodified Dockerfiles and manifests use. If no public registry can be reached
// they are assembled from Debian packages and the Node.js binary that npm serves; elsewhere they are pulled.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached, hash } from "../host/cache.ts";
import type { DockerEngine } from "./docker.ts";
import { partKey, provide } from "../host/platformParts.ts";
import { IMAGE_REGISTRY, isReachable } from "../host/releases.ts";
import { debianMirror } from "../host/preflight.ts";
import { registry } from "../addresses.ts";
import { stateDir } from "../paths.ts";
import { run } from "../host/exec.ts";
import { nodeInstall } from "../fetchNode.mjs";
import { nodeVersion } from "../versions.ts";

/** Debian release of the base images: the first with Redis 8. */
const SUITE = "trixie";

/**
 * Recipe of an image: Debian packages on a common base, files added to them, and the program that its containers run by
 * default.
 */
interface Recipe {
  /** Name in the local registry. */
  name: string;
  /** Name to pull it by, if that works. */
  upstream: string;
  /** Packages beside those of the common base. Without any, not even the base is in it. */
  packages?: string[];
  /**
   * Shell commands that are run on the finished tree, which is `$1`. `$NODE`, `$PAUSE` and `$HERE` are files of the
   * platform.
   */
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
    packages: ["ca-certificates"],
    hooks: ['cp "$NODE" "$1/usr/local/bin/node"', 'chroot "$1" useradd --uid 1000 --create-home node'],
    changes: ['CMD ["node"]', `ENV NODE_VERSION=${nodeVersion}`],
  },
  {
    name: "library/python:3-slim",
    upstream: "python:3-slim",
    packages: ["python3", "ca-certificates"],
    hooks: ['ln -s /usr/bin/python3 "$1/usr/local/bin/python3"', 'ln -s python3 "$1/usr/local/bin/python"'],
    changes: ['CMD ["python3"]'],
  },
];

const here = import.meta.dirname;

/** Cache key of an image's file tree. */
function recipeKey(recipe: Recipe): string {
  const uses = (variable: string) => recipe.hooks.some((hook) => hook.includes(variable));
  const inputs = [SUITE, uses("$NODE") ? nodeVersion : "", uses("$PAUSE") ? partKey("pause") : ""];
  return hash(
    [JSON.stringify(recipe), process.arch, ...inputs],
    uses("$HERE") ? [join(here, "redis-entrypoint.sh")] : [],
  );
}

/** The Node.js that npm serves. It runs this program already if the machine's own is too old. */
async function nodeBinary(): Promise<string> {
  const isServed =
    process.execPath.endsWith(`/node-linux-${process.arch}/bin/node`) && process.version === `v${nodeVersion}`;
  if (isServed) return process.execPath;
  const { dir } = await cached("node-binary", `${nodeVersion}-${process.arch}`, async (half) => {
    await run("npm", nodeInstall(half).args, { cwd: half });
  });
  return join(dir, "node_modules/.bin/node");
}

/** dpkg leaves out what nobody reads in a container. */
const slim = ["doc", "man", "locale", "info"].map((dir) => `--dpkgopt=path-exclude=/usr/share/${dir}/*`);

let base: Promise<string> | undefined;

/** Debian's minimal system, which the images have in common, as a tar file in the cache. */
function baseSystem(): Promise<string> {
  base ??= makeBaseSystem();
  return base;
}

async function makeBaseSystem(): Promise<string> {
  const { dir } = await cached(`base-${SUITE}`, hash([...slim, process.arch]), async (half) => {
    const tar = join(half, "base.tar");
    await run("mmdebstrap", ["--variant=minbase", "--mode=root", ...slim, SUITE, tar, debianMirror()]);
  });
  return join(dir, "base.tar");
}

/** A file tree made by the hooks alone. */
async function plainTree({ hooks }: Recipe, tar: string, env: Record<string, string>): Promise<void> {
  const script = ['mkdir "$1"', ...hooks, 'tar -C "$1" --numeric-owner -cf "$2" .', 'rm -r "$1"'].join(" && ");
  await run("sh", ["-c", script, "sh", `${tar}-tree`, tar], { env });
}

/** A file tree of the common base and more packages. */
async function debianTree({ hooks, packages }: Recipe, tar: string, env: Record<string, string>): Promise<void> {
  const unpack = `--setup-hook=tar -C "$1" --numeric-owner -xf "$BASE"`;
  const customize = hooks.map((hook) => `--customize-hook=${hook}`);
  const how = ["--variant=custom", "--mode=root", unpack, `--include=${packages!.join(",")}`, ...slim, ...customize];
  await run("mmdebstrap", [...how, SUITE, tar, debianMirror()], { env: { ...env, BASE: await baseSystem() } });
}

/** File tree of an image, as a tar file in the cache. */
export async function rootfs(recipe: Recipe): Promise<{ dir: string; built: boolean }> {
  const name = `image-${recipe.name.replace(/[/:]/g, "-")}`;
  return cached(name, recipeKey(recipe), async (half) => {
    const uses = (variable: string) => recipe.hooks.some((hook) => hook.includes(variable));
    const env = {
      PAUSE: uses("$PAUSE") ? join((await provide("pause")).dir, "pause") : "",
      NODE: uses("$NODE") ? await nodeBinary() : "",
      HERE: here,
    };
    await (recipe.packages ? debianTree : plainTree)(recipe, join(half, "rootfs.tar"), env);
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

/**
 * True if images are pulled. The machine's engine was chosen because it can pull them. The platform's can if the public
 * registry answers.
 */
export async function canPull(docker: DockerEngine): Promise<boolean> {
  return !docker.ours || isReachable(IMAGE_REGISTRY);
}

/** Puts an image into the local registry if it is missing. @returns How. */
export async function pushImage(recipe: Recipe, docker: DockerEngine): Promise<string> {
  if (await inRegistry(recipe)) return "there already";
  const target = `${registry}/${recipe.name}`;
  const call = (...args: string[]) => run("docker", args, { env: { DOCKER_HOST: docker.host } });
  let how = "pulled";
  const pulled = (await canPull(docker)) && (await call("pull", recipe.upstream).catch(() => undefined)) !== undefined;
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
