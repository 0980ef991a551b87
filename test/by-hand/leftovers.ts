// `npm start` and `npm run down`, ten times in a row; says what is left on the machine after each:
//
//   node local/launch.mjs test/by-hand/leftovers.ts [TIMES]
import { join } from "node:path";
import { execa } from "execa";
import { leftovers } from "../support/leftovers.ts";

const root = join(import.meta.dirname, "../..");
const times = Number(process.argv[2] ?? 10);
let failed = 0;

async function timed(script: string): Promise<string> {
  const started = Date.now();
  const { exitCode, all } = await execa("npm", ["run", "-s", script], { cwd: root, all: true, reject: false });
  if (exitCode === 0) return `${script} ${((Date.now() - started) / 1000).toFixed(1)} s`;
  failed++;
  return `${script} failed: ${all.trim().split("\n").at(-1)}`;
}

for (let turn = 1; turn <= times; turn++) {
  const start = await timed("start");
  const again = await timed("start");
  const down = await timed("down");
  const left = await leftovers();
  failed += left.length;
  console.log(
    `${turn}: ${start}, again ${again}, ${down}, ${left.length} left${left.map((one) => `\n  ${one}`).join("")}`,
  );
}
process.exit(failed ? 1 : 0);
