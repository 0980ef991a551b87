// Runs test files, each in a mocha of its own, several side by side.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Outcome } from "./reporter.ts";

const root = join(import.meta.dirname, "../..");

/** Outcome of a test file. */
export interface FileOutcome extends Outcome {
  file: string;
  seconds: number;
  /** All that it printed. */
  output: string;
}

/** Test files below a folder of test/, or the one file that is named. */
export function testFiles(path: string): string[] {
  const all = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  const isBelow = (file: string) => file.startsWith(`${path}/`) || file === path || file === `${path}.test.ts`;
  return all
    .filter((file) => file.endsWith(".test.ts") && isBelow(file))
    .map((file) => `test/${file}`)
    .sort();
}

/** True if one of the comments at a file's head says this, and why: `// Runs alone: it restarts the platform.` */
function headSays(file: string, words: string): boolean {
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines.slice(0, end).some((line) => line.startsWith(`// ${words}: `));
}

/** True if a file has the platform to itself. */
export const runsAlone = (file: string): boolean => headSays(file, "Runs alone");

/** True if a file is for the full run, or for whoever names it. */
export const isForFullRun = (file: string): boolean => headSays(file, "Full run only");

/** The longest files start first: those whose head says so, then longer ones. */
function startsBefore(a: string, b: string): number {
  const first = (file: string) => Number(headSays(file, "Runs first"));
  return first(b) - first(a) || statSync(join(root, b)).size - statSync(join(root, a)).size;
}

/** Runs mocha on some files. A run that ends without its counts (a crash, nothing loaded) is one failure. */
export async function runMocha(files: string[], title: string): Promise<FileOutcome> {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-test-"));
  // Notes of `npm start` in this checkout are the user's.
  const own = { TEST_OUTCOME: join(dir, "outcome.json"), JOB_WQ_2_STATE: join(dir, "state") };
  const env = { ...own, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) };
  const started = Date.now();
  const run = await execa("mocha", files, { cwd: root, stdin: "ignore", all: true, env, reject: false });
  const outcome: Outcome = { passes: 0, failures: 0, tests: 0, failed: [] };
  try {
    Object.assign(outcome, JSON.parse(readFileSync(env.TEST_OUTCOME, "utf8")));
  } catch {
    // Counted below.
  }
  rmSync(dir, { recursive: true, force: true });
  if ((run.exitCode !== 0 || outcome.tests === 0) && outcome.failures === 0) {
    outcome.failures = 1;
    outcome.failed = [
      { title, error: run.all.trim().split("\n").slice(-5).join("\n") || (run.shortMessage ?? "No test was run") },
    ];
  }
  return { ...outcome, file: title, seconds: (Date.now() - started) / 1000, output: run.all };
}

/** Files in the order in which they start. */
export const inOrder = (files: string[]): string[] => files.toSorted(startsBefore);

/**
 * Runs files side by side, `width` at a time, until none waits. Another call may take from the same list meanwhile.
 * @param waiting Files that have not begun; they leave the list as they begin.
 * @param onDone Called for each as it ends.
 */
export async function runFiles(
  waiting: string[],
  width: number,
  onDone: (outcome: FileOutcome) => void,
): Promise<void> {
  const lane = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) onDone(await runMocha([file], file));
  };
  await Promise.all(Array.from({ length: width }, lane));
}
