// The folder that keeps runs: a backend of Pulumi in the user's data folder, with a passphrase that is made once.
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import envPaths from "env-paths";
import { isAlive, startTime } from "../../kube/startTime.ts";
import { UserError } from "../errors.ts";
import type { StackLocation } from "../stack/findStack.ts";
import type { Output } from "./rowWriter.ts";

/** The note of a run, kept while something of it may be in a cluster. */
export interface RunNote {
  name: string;
  namespace: string;
  context?: string | undefined;
  /** KUBECONFIG as it was; empty where it was not set. Older notes have none. */
  kubeconfig?: string;
  items: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** The program that was run, for people. */
  command: string;
  /** The files that get its rows. Older notes have neither this nor the next. */
  output?: Output;
  /** The process that follows it, or followed it last. */
  follower?: { pid: number; start?: string | undefined };
}

/** The project of all runs. */
export const PROJECT = "wq-run";

const home = () => process.env.WQ_RUN_HOME ?? join(envPaths("job-wq-2", { suffix: "" }).data, "run");
const folderOf = (name: string) => join(home(), "runs", name);

/** Made once, and kept in a file that only the user may read. */
function passphrase(): string {
  const file = join(home(), "passphrase");
  if (!existsSync(file)) {
    const own = `${file}.${process.pid}`;
    writeFileSync(own, randomBytes(24).toString("hex"), { mode: 0o600, flag: "wx" });
    try {
      linkSync(own, file); // whole, and the first one's where two runs make it
    } catch {
      // It is there by now.
    }
    rmSync(own);
  }
  return readFileSync(file, "utf8");
}

/** Makes the folders, where they are not there. @returns What Pulumi needs to find the stack. */
export function locate(name: string): StackLocation & { stack: string } {
  mkdirSync(join(home(), "stacks"), { recursive: true, mode: 0o700 });
  mkdirSync(folderOf(name), { recursive: true, mode: 0o700 });
  return {
    program: folderOf(name),
    stack: name,
    env: {
      PULUMI_BACKEND_URL: pathToFileURL(join(home(), "stacks")).href,
      PULUMI_CONFIG_PASSPHRASE: passphrase(),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PATH: [process.env.PATH, join(pulumiFolder(), "bin")].join(delimiter),
    },
  };
}

/** Folder for a Pulumi that is installed for runs. */
export const pulumiFolder = () => join(home(), "pulumi");

/** Notes a run, which this process follows from now on. */
export function writeNote(note: Omit<RunNote, "follower">): void {
  const { pid } = process;
  mkdirSync(folderOf(note.name), { recursive: true, mode: 0o700 });
  const noted: RunNote = { ...note, follower: { pid, start: startTime(pid) } };
  const file = join(folderOf(note.name), "run.json");
  writeFileSync(`${file}.${pid}`, JSON.stringify(noted, null, 2));
  renameSync(`${file}.${pid}`, file); // never half a note, whenever this is killed
}

/** Takes a run over from a process that has ended. @throws UserError where it lives, and where there is no such run. */
export function takeOver(name: string): RunNote & { output: Output } {
  const note = readNote(name);
  const { pid, start } = note.follower ?? {};
  if (pid !== undefined && isAlive(pid) && startTime(pid) === start)
    throw new UserError(`${name} is followed by process ${pid}: press Ctrl-C there, or wait for its end`);
  writeNote(note);
  return { output: { command: [], places: [] }, ...note };
}

/** @throws UserError where there is no such run. */
export function readNote(name: string): RunNote {
  const file = join(folderOf(name), "run.json");
  if (/^[\w-]+$/.test(name) && existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as RunNote;
  const names = listNotes().map((note) => note.name);
  throw new UserError(
    `there is no run ${name}; ${names.length > 0 ? `the runs are ${names.join(", ")}` : "no run was left"}`,
  );
}

/** All that was not taken away, the oldest first. */
export function listNotes(): RunNote[] {
  const folder = join(home(), "runs");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "run.json")))
    .map(readNote)
    .sort((a, b) => a.startedAt - b.startedAt);
}

/** Forgets a run of which nothing is left. */
export function forget(name: string): void {
  rmSync(folderOf(name), { recursive: true, force: true });
}

/** A name for a run, which is that of all it makes in the cluster. */
export const newName = (): string => `wq-${randomBytes(3).toString("hex")}`;
