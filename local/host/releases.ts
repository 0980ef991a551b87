// Published releases. If their hosts can be reached, they are downloaded, which is minutes quicker than building. Each
// file is compared with its SHA-256 in local/releases.sha256; if that has none, with the one that the publisher serves
// over TLS. A mirror's word does not count.
import { createHash } from "node:crypto";
import { chmodSync, createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../errors.ts";
import { pluginVersions } from "../pluginVersions.ts";
import { corednsVersion, kubernetesVersion, pulumiVersion } from "../versions.ts";
import { log, run } from "./exec.ts";

/** A published file. */
export interface Artifact {
  url: string;
  /** Address of its SHA-256: alone, or in a list of lines `HASH  NAME`. */
  checksums: string;
  /** Of an archive: how many folders of its paths to leave out. Without it, the file is the program. */
  strip?: number;
}

const arch = process.arch === "arm64" ? "arm64" : "amd64";

function kubernetes(command: string): Artifact {
  const url = `https://dl.k8s.io/release/${kubernetesVersion}/bin/linux/${arch}/${command}`;
  return { url, checksums: `${url}.sha256` };
}

function coredns(): Artifact {
  const version = corednsVersion.slice(1);
  const url = `https://github.com/coredns/coredns/releases/download/v${version}/coredns_${version}_linux_${arch}.tgz`;
  return { url, checksums: `${url}.sha256`, strip: 0 };
}

function pulumi(): Artifact {
  const base = "https://get.pulumi.com/releases/sdk";
  const file = `pulumi-${pulumiVersion}-linux-${arch === "amd64" ? "x64" : arch}.tar.gz`;
  return { url: `${base}/${file}`, checksums: `${base}/pulumi-${pulumiVersion.slice(1)}-checksums.txt`, strip: 1 };
}

function plugin(name: "kubernetes" | "docker"): Artifact {
  const version = pluginVersions[name];
  const base = `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}`;
  const file = `pulumi-resource-${name}-v${version}-linux-${arch}.tar.gz`;
  return { url: `${base}/${file}`, checksums: `${base}/pulumi-${name}_${version}_checksums.txt`, strip: 0 };
}

/** Downloads of each part of the platform, and of each provider plugin. */
export const releases: Record<string, Artifact[]> = {
  kubernetes: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"].map(kubernetes),
  kubectl: [kubernetes("kubectl")],
  coredns: [coredns()],
  pulumi: [pulumi()],
  "plugin-kubernetes": [plugin("kubernetes")],
  "plugin-docker": [plugin("docker")],
};

/**
 * Address of a mirror, whose paths begin with the host that it stands for: `http://127.0.0.1:8000` has
 * `/dl.k8s.io/release/…`. `none`: nothing is downloaded.
 */
const MIRROR = "JOB_WQ_2_RELEASES";

/** Time for a host to answer at all. All hosts are asked at once, so the time is spent only once. */
const ANSWER_MS = 5_000;

function resolve(url: string): string {
  const mirror = process.env[MIRROR];
  return mirror ? `${mirror.replace(/\/$/, "")}/${url.replace(/^https:\/\//, "")}` : url;
}

/** Registry of the base images. */
export const IMAGE_REGISTRY = "https://registry-1.docker.io/v2/";

async function answers(url: string): Promise<boolean> {
  if (process.env[MIRROR] === "none") return false;
  try {
    const answer = await fetch(resolve(url), { method: "HEAD", signal: AbortSignal.timeout(ANSWER_MS) });
    // A registry answers 401, a mirror without this file 404; a proxy that lets nobody through answers 403.
    return answer.status === 200 || answer.status === (url === IMAGE_REGISTRY ? 401 : 404);
  } catch (error) {
    log(`${resolve(url)} cannot be reached: ${(error as Error).message}`);
    return false;
  }
}

const probes = new Map<string, Promise<boolean>>();

/** True if a published file can be downloaded. The first call asks every host for one file. */
export function isReachable(url: string): Promise<boolean> {
  const host = (address: string) => new URL(address).host;
  if (probes.size === 0) {
    const all = [...Object.values(releases).flatMap((artifacts) => artifacts.map((one) => one.url)), IMAGE_REGISTRY];
    for (const one of all) if (!probes.has(host(one))) probes.set(host(one), answers(one));
  }
  return probes.get(host(url)) ?? answers(url);
}

/** File of SHA-256 and addresses, as `sha256sum` writes them; another one for tests. */
const pinsFile = process.env.JOB_WQ_2_PINS ?? join(import.meta.dirname, "../releases.sha256");

function pinned(url: string): string | undefined {
  const lines = readFileSync(pinsFile, "utf8").split("\n");
  return lines.map((line) => line.split(/\s+/)).find(([, address]) => address === url)?.[0];
}

async function sha256(file: string): Promise<string> {
  const digest = createHash("sha256");
  await pipeline(createReadStream(file), digest);
  return digest.digest("hex");
}

/** The SHA-256 of a file in the text that its publisher serves. */
export function checksumOf(name: string, text: string): string | undefined {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+\*?/));
  const named = lines.find(([, file]) => file !== undefined && basename(file) === name)?.[0];
  const [hash] = named ? [named] : lines.length === 1 && lines[0]!.length === 1 ? lines[0]! : [];
  return /^[0-9a-f]{64}$/.test(hash ?? "") ? hash : undefined;
}

const REDIRECTS = 5;
/** A download may stand still for this long. */
const STALL_MS = 30_000;

/**
 * A response with the content of an address. Node's own fetch ends the process when a server closes a connection early.
 */
function open(url: string, redirects = REDIRECTS): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    const client = url.startsWith("http:") ? http : https;
    const sent = client.get(url, { timeout: STALL_MS }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode === 200) return done(response);
      response.resume();
      if (statusCode < 300 || statusCode >= 400 || !headers.location || redirects === 0) {
        return fail(new Error(`${url}: ${statusCode} ${response.statusMessage}`));
      }
      open(new URL(headers.location, url).href, redirects - 1).then(done, fail);
    });
    sent
      .on("error", fail)
      .on("timeout", () => sent.destroy(new Error(`${url}: nothing came for ${STALL_MS / 1000} s`)));
  });
}

async function fetchInto(url: string, file: string): Promise<void> {
  await pipeline(await open(resolve(url)), createWriteStream(file));
}

async function downloadOne(artifact: Artifact, dir: string): Promise<void> {
  const name = basename(artifact.url);
  const file = join(dir, name);
  const list = join(dir, `${name}.checksums`);
  const pin = pinned(artifact.url);
  await fetchInto(artifact.url, file);
  if (!pin && process.env[MIRROR])
    throw new UserError(
      `${MIRROR} has ${artifact.url}, and local/releases.sha256 has no SHA-256 of it: add the publisher's there, or ${MIRROR}=none builds instead`,
    );
  if (!pin) await fetchInto(artifact.checksums, list);
  const expected = pin ?? checksumOf(name, readFileSync(list, "utf8"));
  const actual = await sha256(file);
  if (actual !== expected) {
    const others = pin ? `local/releases.sha256 says ${pin}` : `its publisher says ${expected}`;
    const why = expected ? others : `${artifact.checksums} does not name it`;
    throw new UserError(`${artifact.url} has the SHA-256 ${actual}, but ${why}; ${MIRROR}=none builds instead`);
  }
  rmSync(list, { force: true });
  if (artifact.strip === undefined) return chmodSync(file, 0o755);
  await run("tar", ["-xzf", file, "-C", dir, "--no-same-owner", `--strip-components=${artifact.strip}`]);
  rmSync(file);
}

/**
 * Downloads a part into a folder.
 * @returns False if its hosts cannot be reached, or fail during the download.
 * @throws UserError if a file has another checksum than it should have.
 */
export async function download(part: string, dir: string): Promise<boolean> {
  const artifacts = releases[part] ?? [];
  const reachable = await Promise.all(artifacts.map(({ url }) => isReachable(url)));
  if (artifacts.length === 0 || !reachable.every(Boolean)) return false;
  const half = join(dir, "download");
  mkdirSync(half);
  try {
    await Promise.all(artifacts.map((artifact) => downloadOne(artifact, half)));
    await run("sh", ["-c", 'mv "$1"/* "$2"/ && rmdir "$1"', "sh", half, dir]);
    return true;
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (error instanceof UserError) throw error;
    log(`${part} could not be downloaded: ${(error as Error).message}`);
    return false;
  }
}
