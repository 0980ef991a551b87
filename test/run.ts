// `npm test -- [full] [STAGE|PATH…]`: all checks, or those that are named, the cheapest first. A path below test/
// narrows a stage: `npm test -- e2e/pipeline`. `full` adds cases that mostly repeat others. Failures are repeated at
// the end, and the last line is the sum.
import { join } from "node:path";
import { execa } from "execa";
import { printedOut } from "../worker/processes/printedOut.ts";
import {
  type FileOutcome,
  inOrder,
  isForFullRun,
  runFiles,
  runMocha,
  runsAlone,
  testFiles,
} from "./support/testFiles.ts";

const root = join(import.meta.dirname, "..");

/** Commands that pass or fail as a whole. */
const checks: Record<string, string[]> = {
  format: ["prettier", "--check", "--log-level", "warn", "."],
  lint: ["eslint", "--max-warnings=0", "."],
  types: ["tsc"],
};

/** Number of files that run side by side. It exceeds the cores, since tests wait more than they compute. */
const INTEGRATION_WIDTH = 3;
const E2E_WIDTH = 4;

/** Characters of a failure's text that are repeated, from its beginning and from its end. */
const FIRST_CHARS = 1_000;
const LAST_CHARS = 2_000;

const stages = [...Object.keys(checks), "unit", "integration", "e2e"];
const stageOf = (path: string) => path.split("/")[0]!;
const asked = process.argv
  .slice(2)
  .filter((word) => word !== "full")
  .map((word) => word.replace(/^(\.\/)?test\//, "").replace(/\/$/, ""));
const isFull = process.argv.includes("full");

let passed = 0;
const failures: { file: string; title: string; error: string }[] = [];
let failed = 0;

function count(outcome: FileOutcome): void {
  passed += outcome.passes;
  failed += outcome.failures;
  failures.push(...outcome.failed.map((failure) => ({ file: outcome.file, ...failure })));
  console.log(`\n-- ${outcome.file}: ${outcome.seconds.toFixed(0)} s\n${outcome.output.trimEnd()}`);
}

/** Runs checks side by side; each prints at its end. */
async function runChecks(names: string[]): Promise<void> {
  const check = async (name: string) => {
    const [command, ...args] = checks[name]!;
    const { exitCode, all } = await execa(command!, args, { cwd: root, all: true, reject: false });
    if (exitCode === 0) passed++;
    else failed++;
    if (exitCode !== 0) failures.push({ file: name, title: `${command} ${args.join(" ")}`, error: all });
    console.log(`\n-- ${name}${all && `\n${all}`}`);
  };
  await Promise.all(names.map(check));
}

/** The test files of a stage that are asked for. */
function filesOf(stage: string): string[] {
  const paths = asked.length ? asked.filter((path) => stageOf(path) === stage) : [stage];
  const isNamed = (file: string) =>
    asked.some((path) => [path, `${path}.test.ts`].includes(file.replace(/^test\//, "")));
  return [...new Set(paths.flatMap(testFiles))].filter((file) => isFull || !isForFullRun(file) || isNamed(file));
}

function excerpt(text: string): string {
  return text.length <= FIRST_CHARS + LAST_CHARS
    ? text
    : `${text.slice(0, FIRST_CHARS)}\n…\n${text.slice(-LAST_CHARS)}`;
}

async function timed(title: string, work: () => Promise<unknown>): Promise<void> {
  const started = Date.now();
  console.log(`\n== ${title}`);
  await work();
  console.log(`== ${title}: ${((Date.now() - started) / 1000).toFixed(0)} s`);
}

/** Ends the program if a stage or path does not exist. */
function checkAsked(): void {
  const isKnown = (path: string) => stages.includes(stageOf(path)) && (path in checks || testFiles(path).length > 0);
  const unknown = asked.find((path) => !isKnown(path));
  if (unknown === undefined) return;
  console.error(
    `test: there is no stage or test named ${unknown}; stages are ${stages.join(", ")}; \`full\` adds to any`,
  );
  process.exit(2);
}

function report(): void {
  if (failures.length) console.log("\nWhat failed:");
  for (const { file, title, error } of failures) {
    console.log(`\n  ${file}: ${title}\n${excerpt(error).replace(/^/gm, "    ")}`);
  }
  console.log(`\n${passed} passed, ${failed} failed`);
}

/**
 * Runs the files that need the platform to themselves beside those that need no platform, since the former mostly
 * wait. After its last file, their lane helps with the others: all lanes take files from the same list.
 */
async function runLast(alone: string[], integration: string[]): Promise<void> {
  const platformLane = async () => {
    await runFiles(alone, 1, count);
    await runFiles(integration, 1, count);
  };
  await Promise.all([platformLane(), runFiles(integration, INTEGRATION_WIDTH, count)]);
}

/** Runs the stages that are asked for. */
async function main(): Promise<void> {
  if (isFull) process.env.TEST_FULL = "1";
  const wantedChecks = Object.keys(checks).filter((name) => asked.length === 0 || asked.includes(name));
  const unit = filesOf("unit");
  const integration = inOrder(filesOf("integration"));
  const e2e = inOrder(filesOf("e2e"));
  const alone = e2e.filter(runsAlone);
  const together = e2e.filter((file) => !alone.includes(file));
  if (wantedChecks.length) await timed(wantedChecks.join(", "), () => runChecks(wantedChecks));
  if (unit.length) await timed("unit", async () => count(await runMocha(unit, "test/unit")));
  if (together.length) await timed("e2e", () => runFiles(together, E2E_WIDTH, count));
  const names = [alone.length && "e2e, alone", integration.length && "integration"].filter(Boolean);
  if (names.length) await timed(names.join(", and beside it "), () => runLast(alone, integration));
}

checkAsked();
await main();
report();
await printedOut();
process.exit(failed ? 1 : 0);
