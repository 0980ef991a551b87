import { readFileSync } from "node:fs";
import { escape, script, sections, styles } from "../report/html.ts";

let built: string | undefined;

/** The page's script: built once. */
export const scriptOf = (): string => (built ??= script("../ui/browser/page"));

export const styleOf = (): string => styles() + readFileSync(new URL("./browser/page.css", import.meta.url), "utf8");

/** The page, without anything of a batch in it: its script fills it. */
export function page(queue: string): string {
  return `<!doctype html>
<html lang="en" data-queue="${escape(queue)}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>wq ui</title>
<link rel="stylesheet" href="page.css">
<script type="module" src="page.js"></script>
<header><h1></h1><label id="others" hidden>Batch <select id="batches"></select></label></header>
<p id="away" role="alert" hidden></p>
<p id="state"></p>
<progress id="bar" max="1" value="0" aria-label="Settled items"></progress>
<p id="pace"></p>
<dl id="sums"></dl>
<div id="buttons" role="group" aria-label="The batch">
<button id="pause">Pause</button>
<button id="resume">Resume</button>
<button id="retry">Retry all that failed</button>
<button id="cancel">Cancel all</button>
<form id="scale"><label>Pods <input id="pods" type="number" min="1" required></label> <button>Scale</button></form>
<form id="search-item"><label>Item <input id="text" required placeholder="text or #number"></label> <button>Show</button></form>
</div>
<p id="message" role="status"></p>
<section><h2>Workers</h2>
<div class="wide tall" tabindex="0" role="region" aria-label="Workers"><table id="workers"><thead><tr><th>pod<th>node<th class="number">done<th class="number">failed<th class="number">heard<th>in flight</tr></thead><tbody></tbody></table></div>
<p id="no-workers" class="note">No worker is there.</p></section>
${sections}
<dialog id="item"><form method="dialog"><button id="close" aria-label="Close">×</button></form>
<h2></h2><p id="outcome"></p>
<div class="wide"><table id="attempts"><thead><tr><th>attempt<th>pod<th>start<th class="number">duration<th>outcome<th>reason</tr></thead><tbody></tbody></table></div>
<h3>Log</h3><pre id="log" tabindex="0"></pre>
<button id="retry-item">Retry</button> <button id="cancel-item">Cancel</button></dialog>
</html>
`;
}
