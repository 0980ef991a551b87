// A program with standard streams that it can also open by name, like /dev/stdin. The pipes of Node.js are sockets,
// which Linux opens for nobody. So the input is a file, and the outputs are FIFOs, made by the image's `mkfifo`; if
// it has none, they are sockets.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** Number of FIFOs that are made at a time: it takes a process. */
const STOCK = 32;

/** A program that was started, and its outputs. */
export interface PipedProgram {
  child: ChildProcess;
  stdout: Readable;
  stderr: Readable;
  /** Resolves when no process can write to the outputs any more. */
  closed: Promise<unknown>;
}

/**
 * Starts a program, in a group of its own.
 * @param input Its standard input; without one it is a pipe.
 * @param more More pipes, from descriptor 3 on.
 */
export function spawnPiped(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv,
  input?: Buffer,
  more: readonly "pipe"[] = [],
): PipedProgram {
  const stdin = input && openInput(input);
  const pipes = [openFifo(), openFifo()];
  const ends = [stdin, ...pipes.map((pipe) => pipe?.end)];
  try {
    const child = spawn(program, args, { detached: true, env, stdio: [...ends.map((end) => end ?? "pipe"), ...more] });
    if (input && stdin === undefined) child.stdin!.on("error", () => {}).end(input); // the program need not read it
    const [stdout, stderr] = pipes.map((pipe, at) => pipe?.ours ?? (child.stdio[at + 1] as Readable));
    child.once("error", () => [stdout!, stderr!].forEach((stream) => stream.destroy()));
    const closed = Promise.all([stdout!, stderr!].map((stream) => once(stream, "close")));
    return { child, stdout: stdout!, stderr: stderr!, closed };
  } catch (error) {
    for (const pipe of pipes) pipe?.ours.destroy();
    throw error;
  } finally {
    // They are the program's.
    for (const end of ends) if (end !== undefined) closeSync(end);
  }
}

let folder: string | undefined;
let stock: string[] = [];
let isWithout = false;
process.on("exit", removeFolder);

/** A new FIFO, open for a program to write to it; undefined if there is none to be had. */
function openFifo(): { ours: Socket; end: number } | undefined {
  if (stock.length === 0) stock = makeFifos();
  const path = stock.pop();
  if (path === undefined) return undefined;
  try {
    const ours = openSync(path, O_RDONLY | O_NONBLOCK);
    const end = openSync(path, O_WRONLY); // the other end is open, so this does not wait
    unlinkSync(path);
    return { ours: new Socket({ fd: ours, readable: true, writable: false }), end };
  } catch {
    stock = []; // somebody cleaned up /tmp
    return undefined;
  }
}

/** A file with the input, open to be read, and without a name; undefined if none can be written. */
function openInput(input: Buffer): number | undefined {
  try {
    folder ??= mkdtempSync(join(tmpdir(), "job-wq-2-pipes-"));
    const path = join(folder, "input");
    writeFileSync(path, input, { mode: 0o600 });
    const file = openSync(path, O_RDONLY);
    unlinkSync(path);
    return file;
  } catch {
    removeFolder();
    return undefined;
  }
}

/** Paths of new FIFOs. */
function makeFifos(): string[] {
  if (isWithout) return [];
  try {
    removeFolder();
    folder = mkdtempSync(join(tmpdir(), "job-wq-2-pipes-"));
    const paths = Array.from({ length: STOCK }, (_, number) => join(folder!, String(number)));
    const { error, status } = spawnSync("mkfifo", ["-m", "600", ...paths]);
    isWithout = error !== undefined && "code" in error && error.code === "ENOENT"; // if not, nothing can be started
    return status === 0 ? paths : [];
  } catch {
    return [];
  }
}

function removeFolder(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}
