// Starts and stops the platform's processes by pid. A pid is a daemon's only if its start time is the recorded one. So
// a record from before a reboot is recognised, and so is one whose pid another process has by now.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { which } from "../host/apt.ts";
import { hash } from "../host/cache.ts";
import { log, tail } from "../host/exec.ts";
import { pollUntil } from "../../kube/poll.ts";
import { startTime } from "../../kube/startTime.ts";
import { portOwner } from "../host/preflight.ts";
import { logDir, pidDir } from "../paths.ts";

/** One process of the platform. */
export interface Daemon {
  name: string;
  /**
   * Path or name. A name is found on PATH after the install; that it is found elsewhere is no reason to start the
   * daemon anew.
   */
  command: string;
  args: string[];
  /** Files that it reads only at its start: a change of one starts it anew. */
  configs?: string[];
  /** Address, for `status`. */
  listens: string;
  /** Port that no other process may have. */
  port?: number;
  /** Version, for daemons that are not Debian's (dpkg reports those). */
  version?: string;
  env?: Record<string, string>;
  /** Answers true once it serves; throws or answers false until then. */
  ready: () => Promise<boolean>;
  /** A new process must answer this as well, before it counts as started. Answers as `ready` does. */
  started?: () => Promise<boolean>;
}

/** Record of a daemon that was started. */
interface PidRecord {
  pid: number;
  startTime: string;
  /** Milliseconds since 1970. */
  since: number;
  /** Hash of its command and configuration. */
  definition?: string;
}

const pidFile = (name: string) => join(pidDir, `${name}.json`);
const logPath = (name: string) => join(logDir, `${name}.log`);

function definition({ command, args, env, configs = [] }: Daemon): string {
  return hash([command, ...args, JSON.stringify(env ?? {})], configs.filter(existsSync));
}

/** The record of this daemon, while its process runs. */
export function running(name: string): PidRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(pidFile(name), "utf8")) as PidRecord;
    return startTime(record.pid) === record.startTime ? record : undefined;
  } catch {
    return undefined;
  }
}

/** True if it serves now. */
export function isServing(daemon: Daemon): Promise<boolean> {
  return daemon.ready().catch(() => false);
}

/** True if it runs as it is defined now. */
export function isCurrent(daemon: Daemon): boolean {
  return running(daemon.name)?.definition === definition(daemon);
}

/**
 * @throws UserError if another process has its port and keeps it. A process that just ended leaves it in a moment.
 */
export async function checkPort({ name, port }: Daemon): Promise<void> {
  if (port === undefined || running(name)) return;
  let owner: string | undefined;
  const isFree = async () => (owner = await portOwner(port)) === undefined;
  await pollUntil(isFree, { timeoutMs: 3_000, intervalMs: 100 });
  if (owner) throw new UserError(`${name} needs port ${port}, which ${owner} has: stop that, then run it again`);
}

/** Starts a daemon, or finds it running, and waits until it serves. @returns Which of the two. */
export async function start(daemon: Daemon, timeoutMs = 60_000): Promise<string> {
  const { name } = daemon;
  if (running(name)) {
    // A daemon that runs and does not answer gets a moment, then a new start.
    if (isCurrent(daemon) && (await pollUntil(() => isServing(daemon), { timeoutMs: 5_000, intervalMs: 250 })))
      return "running";
    await stop(name);
  }
  await checkPort(daemon);
  mkdirSync(logDir, { recursive: true });
  mkdirSync(pidDir, { recursive: true });
  const output = openSync(logPath(name), "a");
  log(`$ ${daemon.command} ${daemon.args.join(" ")} &`);
  const child = spawn(which(daemon.command) ?? daemon.command, daemon.args, {
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, ...daemon.env },
    cwd: "/",
  });
  closeSync(output);
  const failure = new Promise<Error>((resolve) => child.on("error", resolve));
  child.unref();
  if (child.pid === undefined) throw new UserError(`${name} cannot be started: ${(await failure).message}`);
  const record: PidRecord = {
    pid: child.pid,
    startTime: startTime(child.pid) ?? "",
    since: Date.now(),
    definition: definition(daemon),
  };
  writeFileSync(pidFile(name), JSON.stringify(record));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const hasStarted = async () => (await isServing(daemon)) && (await (daemon.started?.().catch(() => false) ?? true));
  const settled = async () => (hasEnded() ? "ended" : (await hasStarted()) && "started");
  const outcome = await pollUntil(settled, { timeoutMs, intervalMs: 50 });
  if (outcome === "started") return outcome;
  const last = `${tail(readFileSync(logPath(name), "utf8"), 3)} (all of it: ${logPath(name)})`;
  if (!outcome) throw new UserError(`${name} does not answer after ${timeoutMs / 1000} s: ${last}`);
  rmSync(pidFile(name), { force: true });
  throw new UserError(`${name} died while starting: ${last}`);
}

/** It may have ended by itself just now. */
function signal({ pid }: PidRecord, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends a daemon: TERM, and KILL when it takes longer than 10 s. @returns Whether it ran. */
export async function stop(name: string): Promise<boolean> {
  const record = running(name);
  if (record) {
    const isGone = () => startTime(record.pid) !== record.startTime;
    signal(record, "SIGTERM");
    if (!(await pollUntil(isGone, { timeoutMs: 10_000, intervalMs: 20 }))) {
      signal(record, "SIGKILL");
      await pollUntil(isGone, { timeoutMs: 10_000, intervalMs: 20 });
    }
  }
  rmSync(pidFile(name), { force: true });
  return record !== undefined;
}
