import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { ReportData } from "./reportData.ts";

/** Escapes text for HTML. */
export const escape = (text: string) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** A script for the browser with all that it imports; compiled sources, if this file is compiled. */
export function script(entry: string): string {
  const built = buildSync({
    entryPoints: [fileURLToPath(new URL(`${entry}${extname(import.meta.url)}`, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: "es2022",
    logLevel: "silent",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return built.outputFiles[0]!.text.replaceAll("</script", "<\\/script");
}

/** The report's style sheet. */
export const styles = (): string => readFileSync(new URL("./browser/page.css", import.meta.url), "utf8");

/** Data of a batch that the page draws. */
export const sections = `<section><h2>Timeline</h2><p id="lanes" class="note"></p><div id="timeline" class="chart"></div></section>
<section><h2>Throughput</h2><div id="throughput" class="chart"></div></section>
<section id="duration"><h2>Duration of items</h2><p id="quantiles" class="note"></p><div id="durations" class="chart"></div></section>
<section id="failures"><h2>Failures by reason</h2><ul id="reasons"></ul></section>
<section id="items"><h2>Items</h2>
<p><input id="search" type="search" placeholder="Search item, outcome, result, pod, reason" aria-label="Search">
<span id="found"></span> <button id="back" aria-label="Previous page">‹</button> <span id="place"></span> <button id="next" aria-label="Next page">›</button></p>
<div class="wide"><table id="table"><thead></thead><tbody></tbody></table></div></section>`;

/**
 * The whole report in one file. Its policy forbids the browser any request. The data cannot end its element: `<` is
 * written as an escape of JSON.
 */
export function html(data: ReportData): string {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escape(data.title)}</title>
<style>${styles()}</style>
<h1></h1>
<p id="state"></p>
<dl id="sums"></dl>
${sections}
<script id="data" type="application/json">${json}</script>
<script>${script("./browser/page")}</script>
</html>
`;
}
