// Starts and stops the platform's processes by pid. A pid counts as ours only with the start time it was noted with, so a
// stale pid file (a reboot, a kill -9 of everything, a reused pid) is recognised.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { logDir, pidDir } from "../paths.ts";
import { note, tail } from "../host/exec.ts";
import { Trouble } from "../errors.ts";
import { listener } from "../host/preflight.ts";

/** One process of the platform. */
export interface Daemon {
  name: string;
  command: string;
  args: string[];
  /** Where it listens, for `status`; the port is refused when another process has it. */
  listens: string;
  port?: number;
  /** Where Debian did not bring it, which knows itself. */
  version?: string;
  env?: Record<string, string>;
  /** Resolves once it serves; throws or returns false until then. */
  ready: () => Promise<boolean>;
}

interface Noted {
  pid: number;
  startTime: string;
  since: number;
}

const pidFile = (name: string) => join(pidDir, `${name}.json`);

/** When a process was started, in clock ticks since boot, with the boot it belongs to; undefined when it is gone or a zombie. */
export function startTime(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    if (fields[0] === "Z") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The noted process of this name, when it still runs. */
export function running(name: string): Noted | undefined {
  if (!existsSync(pidFile(name))) return undefined;
  try {
    const noted = JSON.parse(readFileSync(pidFile(name), "utf8")) as Noted;
    return startTime(noted.pid) === noted.startTime ? noted : undefined;
  } catch {
    return undefined;
  }
}

async function isReady(daemon: Daemon): Promise<boolean> {
  return daemon.ready().catch(() => false);
}

/** Refuses a port that another process has. */
export async function checkPort({ name, port }: Daemon): Promise<void> {
  const taken = port === undefined || running(name) ? undefined : await listener(port);
  if (taken) throw new Trouble(`${name} needs port ${port}, which ${taken} has: stop that, then run it again`);
}

/** Starts a daemon, or finds it running, and waits until it serves. Says which. */
export async function start(daemon: Daemon, patience = 60_000): Promise<string> {
  const { name } = daemon;
  if (running(name)) {
    // One that runs and does not answer gets a moment, then a new start.
    for (let i = 0; i < 20; i++) {
      if (await isReady(daemon)) return "running";
      await sleep(250);
    }
    await stop(name);
  }
  await checkPort(daemon);
  mkdirSync(logDir, { recursive: true });
  mkdirSync(pidDir, { recursive: true });
  const logPath = join(logDir, `${name}.log`);
  const log = openSync(logPath, "a");
  note(`$ ${daemon.command} ${daemon.args.join(" ")} &`);
  const child = spawn(daemon.command, daemon.args, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { ...process.env, ...daemon.env },
    cwd: "/",
  });
  closeSync(log);
  const failure = new Promise<Error>((resolve) => child.on("error", resolve));
  child.unref();
  if (child.pid === undefined) throw new Trouble(`${name} cannot be started: ${(await failure).message}`);
  const noted: Noted = { pid: child.pid, startTime: startTime(child.pid) ?? "", since: Date.now() };
  writeFileSync(pidFile(name), JSON.stringify(noted));
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) {
    if (await isReady(daemon)) return "started";
    if (child.exitCode !== null || child.signalCode !== null) {
      rmSync(pidFile(name), { force: true });
      throw new Trouble(
        `${name} died while starting: ${tail(readFileSync(logPath, "utf8"), 3)} (all of it: ${logPath})`,
      );
    }
  }
  throw new Trouble(
    `${name} does not answer after ${patience / 1000} s: ${tail(readFileSync(logPath, "utf8"), 3)} (all of it: ${logPath})`,
  );
}

/** Ends a daemon: TERM, and KILL when it takes longer than 10 s. Says whether it ran. */
export async function stop(name: string): Promise<boolean> {
  const noted = running(name);
  if (noted) {
    process.kill(noted.pid, "SIGTERM");
    for (let i = 0; i < 100 && startTime(noted.pid) === noted.startTime; i++) await sleep(100);
    if (startTime(noted.pid) === noted.startTime) process.kill(noted.pid, "SIGKILL");
    while (startTime(noted.pid) === noted.startTime) await sleep(20);
  }
  rmSync(pidFile(name), { force: true });
  return noted !== undefined;
}
