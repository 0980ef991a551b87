// `npm test [STAGE…]`: every check there is, or the stages named, in the order of what they cost. The last line is the sum.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const root = join(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "job-wq-2-test-"));
let passed = 0;
let failed = 0;

async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<boolean> {
  const { exitCode } = await execa(command, args, { cwd: root, stdio: "inherit", env, reject: false });
  return exitCode === 0;
}

/** A check that is one test: it passes or fails as a whole. */
function check(command: string, ...args: string[]) {
  return async () => {
    if (await run(command, args)) passed++;
    else failed++;
  };
}

/** A folder of mocha tests. A run that ends without its counts (a crash, nothing loaded) is one failure. */
function mocha(folder: string) {
  return async () => {
    const file = join(scratch, `${folder}.json`);
    const ok = await run("mocha", [`test/${folder}/**/*.test.ts`], { TEST_COUNTS: file });
    try {
      const counts = JSON.parse(readFileSync(file, "utf8")) as { passes: number; failures: number };
      passed += counts.passes;
      failed += counts.failures || (ok ? 0 : 1);
    } catch {
      failed++;
    }
  };
}

const stages: Record<string, () => Promise<void>> = {
  format: check("prettier", "--check", "--log-level", "warn", "."),
  lint: check("eslint", "--max-warnings=0", "."),
  types: check("tsc"),
  unit: mocha("unit"),
  integration: mocha("integration"),
  e2e: mocha("e2e"),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in stages));
if (unknown.length) {
  console.error(`test: no stage named ${unknown.join(", ")}; there are ${Object.keys(stages).join(", ")}`);
  process.exit(2);
}
const all = Object.keys(stages).filter(
  (name) => existsSync(join(root, "test", name)) || !["integration", "e2e"].includes(name),
);
for (const name of asked.length ? asked : all) {
  const start = Date.now();
  console.log(`\n== ${name}`);
  await stages[name]!();
  console.log(`== ${name}: ${((Date.now() - start) / 1000).toFixed(0)} s`);
}
rmSync(scratch, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
