// The folder that keeps runs: a backend of Pulumi in the user's data folder, with a passphrase that is made once.
import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import envPaths from "env-paths";
import { AbsentError, firstLine, UserError } from "../errors.ts";
import type { StackLocation } from "./findStack.ts";
import type { Output } from "../run/rowWriter.ts";

/** The note of a run, kept while something of it may be in a cluster. */
export interface RunNote {
  name: string;
  namespace: string;
  context?: string | undefined;
  /** KUBECONFIG as it was; empty if it was not set. Older notes have none. */
  kubeconfig?: string;
  items: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** The program that was run, for people. */
  command: string;
  /** The files that get its rows. */
  output: Output;
}

/** The project of all runs. */
export const PROJECT = "wq-run";

const home = () => process.env.WQ_RUN_HOME ?? join(envPaths("job-wq-2", { suffix: "" }).data, "run");
/** The folder of a run, with all that is kept of it. */
export const folderOf = (name: string) => join(home(), "runs", name);
const noteOf = (name: string) => join(folderOf(name), "run.json");

/** Made once, and kept in a file that only the user may read. */
function passphrase(): string {
  const file = join(home(), "passphrase");
  if (!existsSync(file)) {
    const own = `${file}.${process.pid}`;
    writeFileSync(own, randomBytes(24).toString("hex"), { mode: 0o600, flag: "wx" });
    try {
      linkSync(own, file); // appears whole; if two runs make it, the first one's stays
    } catch {
      // It is there by now.
    }
    rmSync(own);
  }
  return readFileSync(file, "utf8");
}

/** Makes a folder for the user alone, if it is not there. @throws UserError */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`cannot keep runs: ${firstLine(error)}; WQ_RUN_HOME names another folder`);
  }
}

/** Makes the folders. @returns What Pulumi needs to find the stack. @throws UserError */
export function locate(name: string): StackLocation & { stack: string } {
  makeFolder(join(home(), "stacks"));
  makeFolder(folderOf(name));
  return {
    program: folderOf(name),
    stack: name,
    env: {
      // Metadata would be written in place. A Pulumi that is killed then would leave a state that cannot be read.
      PULUMI_BACKEND_URL: `${pathToFileURL(join(home(), "stacks")).href}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: passphrase(),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PATH: [process.env.PATH, join(pulumiFolder(), "bin")].join(delimiter),
    },
  };
}

const isNoted = (name: string) => /^[\w-]+$/.test(name) && existsSync(noteOf(name));

/** Runs that were found by their name. */
const found = new Set<string>();

/**
 * The stack of a run, in the cluster that it was made in; undefined where no run has this name.
 * @throws AbsentError where one had it a moment ago.
 */
export function stackOfRun(name: string): StackLocation | undefined {
  if (!isNoted(name)) {
    if (found.has(name)) throw new AbsentError(`the run ${name} is over, and was removed`);
    return undefined;
  }
  found.add(name);
  useKubeconfig(readNote(name));
  return { ...locate(name), isRun: true };
}

/** Makes this process use the cluster of a run, as the run itself did. */
export function useKubeconfig({ kubeconfig }: RunNote): void {
  if (kubeconfig !== undefined) process.env.KUBECONFIG = kubeconfig;
}

/** Folder for a Pulumi that is installed for runs. */
export const pulumiFolder = () => join(home(), "pulumi");

/** Notes a run. */
export function writeNote(note: RunNote): void {
  makeFolder(folderOf(note.name));
  appear(noteOf(note.name), note);
}

/** Makes a file, whole or not at all, even if this process is killed. @returns False if the file exists already. */
export function appear(file: string, content: object): boolean {
  const half = `${file}.${process.pid}`;
  writeFileSync(half, JSON.stringify(content, null, 2));
  try {
    linkSync(half, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(half);
  }
}

/** @throws UserError if there is no such run. */
export function readNote(name: string): RunNote {
  if (isNoted(name)) return JSON.parse(readFileSync(noteOf(name), "utf8")) as RunNote;
  const names = listNotes().map((note) => note.name);
  throw new UserError(
    `there is no run ${name}; ${names.length > 0 ? `the runs are ${names.join(", ")}` : "no run was left"}`,
  );
}

/** All runs that were not removed, the oldest first. */
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

/** A name for a run and for all its objects in the cluster. */
export const newName = (): string => `wq-${randomBytes(3).toString("hex")}`;
