// `npm run docs -- --pictures`: the pictures of the README and of docs/operations.md, from a run on the local platform.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import { stringify } from "yaml";
import { fileBackend } from "../local/host/environment.ts";
import { startChromium } from "../test/support/chromium.ts";
import { environment, platformUp, root } from "../test/support/stack.ts";
import { terminalSvg } from "./terminalSvg.ts";

const STACK = "photos";
const BATCH = "thumbnails";
const PHOTOS = 240;
const COLUMNS = 92;
/** Share of the items that are settled when `wq status` is drawn. */
const SHARE = 0.6;
const pictures = join(root, "docs/pictures");

/** Stands for a program that makes a thumbnail: some photos take longer, some fail at first, and a few for good. */
const SCRIPT = `
n=\${ITEM##*_}; n=\${n%.jpg}; n=\${n#0}
[ $((n % 97)) -eq 0 ] && { echo "cannot identify image file" >&2; exit 65; }
[ $((n % 23)) -eq 0 ] && [ "$ITEM_ATTEMPT" = 1 ] && { echo "connection reset by peer" >&2; exit 1; }
sleep $((n * 7919 % 3)).$((n * 104729 % 9 + 1))
echo "{\\"bytes\\":$((n * 6151 % 90000))}"`;

const settings = {
  name: BATCH,
  queue: BATCH,
  namespace: BATCH,
  createNamespace: true,
  items: Array.from({ length: PHOTOS }, (_, index) => `photos/IMG_0${index + 400}.jpg`),
  command: ["sh", "-c", SCRIPT],
  parallelism: 4,
  concurrency: 3,
  maxAttempts: 2,
  resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } },
  wait: false,
};

/** Makes them. The stack is taken down again. */
export async function makePictures(): Promise<void> {
  await platformUp();
  const backend = mkdtempSync(join(tmpdir(), "job-wq-2-pictures-"));
  const file = join(root, `Pulumi.${STACK}.yaml`);
  const options = { cwd: root, env: { ...environment(), PULUMI_BACKEND_URL: fileBackend(backend) } };
  const pulumi = (...args: string[]) => execa("pulumi", [...args, "--stack", STACK, "--non-interactive"], options);
  const wq = (...args: string[]) =>
    execa("npx", ["--no", "wq", ...args, "--stack", STACK], { ...options, reject: false });
  try {
    const config = Object.entries(settings).map(([key, value]) => [`job-wq-2:${key}`, value]);
    writeFileSync(file, stringify({ config: Object.fromEntries(config) as unknown }));
    await execa("pulumi", ["stack", "init", STACK, "--non-interactive"], options);
    await pulumi("up", "--yes", "--skip-preview");
    const settled = async () => {
      const { done, dead } = JSON.parse((await wq("status", "--json")).stdout) as { done: number; dead: number };
      return done + dead;
    };
    while ((await settled()) < PHOTOS * SHARE) await sleep(200);
    mkdirSync(pictures, { recursive: true });
    const shown = await inTerminal(`node cli/wq.mjs status --stack ${STACK}`, options);
    writeFileSync(join(pictures, "status.svg"), terminalSvg("npx --no wq status", shown, COLUMNS));
    const ui = execa("node", ["cli/wq.mjs", "ui", "--no-open", "--json", "--stack", STACK], { ...options, reject: false });
    const [line] = (await once(createInterface(ui.stdout), "line")) as [string];
    await photograph((JSON.parse(line) as { address: string }).address, join(pictures, "ui.png"));
    ui.kill("SIGINT");
    while ((await settled()) < PHOTOS) await sleep(500);
    const report = join(backend, "report.html");
    await wq("report", "--output", report);
    await photograph(pathToFileURL(report).href, join(pictures, "report.png"));
  } finally {
    await pulumi("destroy", "--yes", "--skip-preview").catch(() => {});
    rmSync(file, { force: true });
    rmSync(backend, { recursive: true, force: true });
  }
}

/** Output of a command on a terminal, with its escape sequences. */
async function inTerminal(command: string, options: { cwd: string; env: Record<string, string> }): Promise<string> {
  const env = { ...options.env, TERM: "xterm-256color", NO_COLOR: undefined, CI: undefined };
  const all = `stty rows 40 cols ${COLUMNS}; exec ${command}`;
  const script = ["--quiet", "--return", "--command", all, "/dev/null"];
  return (await execa("script", script, { ...options, env, reject: false })).stdout;
}

/** A picture of a page that has drawn its charts. */
async function photograph(address: string, file: string): Promise<void> {
  const browser = await startChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
    await page.goto(address);
    await page.waitForSelector("html[data-ready]");
    await page.waitForSelector("#reasons li");
    await sleep(1_000); // charts are drawn with an animation
    await page.screenshot({ path: file });
  } finally {
    await browser.close();
  }
}
