import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { debianPackage } from "./debianPackage.ts";
import { freePort } from "./freePort.ts";
import { some } from "./full.ts";

/** A real redis-server on a free port of loopback. */
export interface TestRedis {
  url: string;
  port: number;
  /** Its working directory, with the AOF if there is one. */
  dir: string;
  readonly pid: number;
  /** SIGTERM, and the directory is removed if it was made here. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and directory, with more options if given. */
  restart(more?: string[]): Promise<void>;
}

/** Servers that are killed when the tests end. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const server of running) server.kill("SIGKILL");
});

const startScript = resolve(import.meta.dirname, "../../components/redis/start.sh");
/** The Debian package of each server, for machines without it. */
const packages = {
  "8": { suite: "trixie", name: "redis-server", program: "redis" },
  "7.0": { suite: "bookworm", name: "redis-server", program: "redis" },
  valkey: { suite: "trixie", name: "valkey-server", program: "valkey" },
};

/** A server that the queue supports. */
export type RedisVersion = keyof typeof packages;

/** Versions on which the tests of the scripts run: in the full run all, else the first. */
export const redisVersions = some(Object.keys(packages) as RedisVersion[], 1);

/**
 * Command of a program in this version: that on PATH if its version fits, else that of Debian's package, which is
 * unpacked once into the user's cache.
 */
export async function redisProgram(version: RedisVersion, name: "redis-server" | "redis-cli"): Promise<string[]> {
  const { suite, name: include, program } = packages[version];
  const file = name.replace("redis", program);
  const { stdout = "" } = await execa(file, ["--version"], { reject: false });
  const isWanted =
    version === "valkey" ? stdout !== "" : stdout.includes(name === "redis-cli" ? ` ${version}.` : ` v=${version}.`);
  if (isWanted) return [file];
  const dir = await debianPackage(suite, include);
  const libraries = `${dir}/usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  const loader = [`${dir}/lib64/ld-linux-x86-64.so.2`, `${dir}/usr/lib64/ld-linux-x86-64.so.2`];
  loader.push(`${libraries}/ld-linux-x86-64.so.2`, `${libraries}/ld-linux-aarch64.so.1`);
  const paths = `${libraries}:${libraries}/systemd`;
  return [loader.find((path) => existsSync(path))!, "--library-path", paths, `${dir}/usr/bin/${file}`];
}

const paths = new Map<RedisVersion, Promise<string>>();

/** PATH on which scripts find the server and its tools of this version. */
function pathOf(version: RedisVersion): Promise<string> {
  if (!paths.has(version)) paths.set(version, makePath(version));
  return paths.get(version)!;
}

async function makePath(version: RedisVersion): Promise<string> {
  const server = await redisProgram(version, "redis-server");
  if (server.length === 1 && server[0] === "redis-server") return process.env.PATH!;
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-redis-bin-"));
  // Under the names that the script of our Pod calls.
  for (const tool of ["server", "check-aof"]) {
    const program = server.with(-1, server.at(-1)!.replace(/server$/, tool));
    writeFileSync(join(dir, `redis-${tool}`), `#!/bin/sh\nexec ${program.join(" ")} "$@"\n`, { mode: 0o755 });
  }
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  return `${dir}:${process.env.PATH}`;
}

/**
 * Starts one, by the same script as in its Pod.
 * @param options.version Default: `8`.
 * @param options.args More of its options, as `["--appendonly", "yes"]`. Without any, nothing is written to disk.
 * @param options.env Variables of its container.
 * @param options.dir Its working directory. Default: a temporary one.
 */
export async function startRedis(
  options: { version?: RedisVersion; args?: string[]; env?: Record<string, string>; dir?: string } = {},
): Promise<TestRedis> {
  const PATH = await pathOf(options.version ?? "8");
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "job-wq-2-redis-"));
  const port = await freePort();
  const args = [startScript, "--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--save", ""];
  let server: ChildProcess;

  const start = async (more: string[] = []) => {
    const how: SpawnOptions = {
      cwd: dir,
      env: { ...process.env, ...options.env, PATH },
      stdio: ["ignore", "pipe", "pipe"],
    };
    server = spawn("sh", [...args, ...(options.args ?? []), ...more], how);
    running.add(server);
    server.once("exit", () => running.delete(server));
    let said = "";
    server.stdout!.on("data", (data) => (said = (said + data).slice(-2000)));
    server.stderr!.on("data", (data) => (said = (said + data).slice(-2000)));
    while (!(await answers(port))) {
      if (server.exitCode !== null) throw new Error(`redis-server ended: ${said}`);
      await sleep(10);
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(signal);
    await ended;
  };

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return server.pid!;
    },
    stop: async () => {
      await end("SIGTERM");
      if (!options.dir) rmSync(dir, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    restart: start,
  };
}

/** True if it is up and has loaded its data. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
  try {
    const [data] = (await once(socket, "data")) as [Buffer];
    return /^(\+PONG|-NOAUTH)/.test(data.toString());
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
