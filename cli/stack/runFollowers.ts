// The processes that follow a run, one after the other.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, startTime } from "../../kube/startTime.ts";
import { UserError } from "../errors.ts";
import { appear, folderOf, readNote, type RunNote } from "./runFolder.ts";

interface Follower {
  pid: number;
  start?: string | undefined;
}

/** One numbered file per process that has followed a run. Of two processes at the same moment, one makes the next. */
const followerFile = (name: string, number: number) => join(folderOf(name), `follower-${number}`);
const countFollowers = (name: string) =>
  readdirSync(folderOf(name)).filter((file) => /^follower-\d+$/.test(file)).length;

const readFollower = (name: string, number: number) =>
  JSON.parse(readFileSync(followerFile(name, number), "utf8")) as Follower;

/** Pid of the process that follows a run; undefined if it has ended. */
export function followerOf(name: string, number = countFollowers(name)): number | undefined {
  if (number === 0) return undefined;
  const { pid, start } = readFollower(name, number);
  return isAlive(pid) && startTime(pid) === start ? pid : undefined;
}

/**
 * Takes a run over from a process that has ended.
 * @throws UserError if that process lives, if another process takes the run now, or if there is no such run.
 */
export function takeOver(name: string): RunNote {
  const note = readNote(name);
  const next = countFollowers(name) + 1;
  const own = { pid: process.pid, start: startTime(process.pid) };
  let other = followerOf(name, next - 1);
  if (other === undefined && !appear(followerFile(name, next), own)) other = readFollower(name, next).pid;
  if (other === undefined) return note;
  throw new UserError(`${name} is followed by process ${other}: press Ctrl-C there, or wait for its end`);
}
