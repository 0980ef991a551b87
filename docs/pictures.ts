// `npm run docs -- --pictures`: the pictures of the README and of docs/operations.md, from a batch that runs here: a
// Redis, four workers, and the page in Chromium.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { execa } from "execa";
import type { Browser } from "playwright-core";
import { connect, QueueAdmin, Seeder } from "../queue/index.ts";
import { startChromium } from "../test/support/chromium.ts";
import { programEnvironment } from "../test/support/programEnvironment.ts";
import { startRedis } from "../test/support/redis.ts";
import { terminalSvg } from "./terminalSvg.ts";

const root = join(import.meta.dirname, "..");
const QUEUE = "thumbnails";
const PHOTOS = 240;
const COLUMNS = 92;
/** Share of the items that are settled when the batch is drawn. */
const SHARE = 0.5;
const pictures = join(root, "docs/pictures");
/** Pods, as Kubernetes names them, and their nodes. */
const PODS = { "2f9xk": "node-a", "6mtzq": "node-b", c8w7d: "node-a", tl4vh: "node-b" };

/** Stands for a program that makes a thumbnail: some photos take longer, some fail at first, and a few for good. */
const SCRIPT = `
n=\${ITEM##*_}; n=\${n%.jpg}; n=\${n#0}
[ $((n % 97)) -eq 0 ] && { echo "cannot identify image file" >&2; exit 65; }
[ $((n % 23)) -eq 0 ] && [ "$ITEM_ATTEMPT" = 1 ] && { echo "connection reset by peer" >&2; exit 1; }
sleep $((n * 7919 % 3)).$((n * 104729 % 9 + 1))
echo "{\\"bytes\\":$((n * 6151 % 90000))}"`;

/** Makes them. */
export async function makePictures(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-pictures-"));
  const browser = await startChromium();
  const redis = await startRedis();
  const { url } = redis;
  const connection = await connect(url);
  const admin = new QueueAdmin(connection, QUEUE);
  const settled = async () => {
    const { done, dead } = await admin.counts();
    return done + dead;
  };
  const options = { cwd: root, env: { WQ_REDIS_URL: url } };
  const photos = Array.from({ length: PHOTOS }, (_, index) => `photos/IMG_0${index + 400}.jpg`);
  await new Seeder({ url, queue: QUEUE }).seed(photos, { owner: "job-wq-2/photos", run: "1", seedId: "1" });
  const settings = { queue: QUEUE, command: ["sh", "-c", SCRIPT], concurrency: 3, maxAttempts: 2, WQ_REDIS_URL: url };
  const workers = Object.entries(PODS).map(([pod, node]) =>
    execa("node", ["worker/main.ts"], {
      cwd: root,
      env: programEnvironment({ ...settings, WQ_POD: `${QUEUE}-${pod}`, WQ_NODE: node }),
    }),
  );
  try {
    while ((await settled()) < PHOTOS * SHARE) await sleep(200);
    mkdirSync(pictures, { recursive: true });
    const shown = await inTerminal(`node cli/wq.mjs status --queue ${QUEUE}`, options);
    writeFileSync(join(pictures, "status.svg"), terminalSvg("npx --no wq status", shown, COLUMNS));
    const ui = execa("node", ["cli/wq.mjs", "ui", "--no-open", "--json", "--queue", QUEUE], options);
    const [line] = (await once(createInterface(ui.stdout), "line")) as [string];
    await photograph(browser, (JSON.parse(line) as { address: string }).address, join(pictures, "ui.png"));
    ui.kill("SIGINT");
    await Promise.all([ui, ...workers]);
    const report = join(folder, "report.html");
    await execa("node", ["cli/wq.mjs", "report", "--queue", QUEUE, "--output", report], options);
    await photograph(browser, pathToFileURL(report).href, join(pictures, "report.png"));
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    connection.disconnect();
    await redis.stop();
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
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
async function photograph(browser: Browser, address: string, file: string): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1000 } });
  await page.goto(address);
  await page.waitForSelector("html[data-ready]");
  await page.waitForSelector("#reasons li");
  await sleep(1_000); // charts are drawn with an animation
  await page.screenshot({ path: file });
  await page.close();
}
