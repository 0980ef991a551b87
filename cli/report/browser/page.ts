/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Entry point of the browser code, which html.ts bundles into the report.
import { drawCharts } from "./charts.ts";
import type { ReportData } from "../data.ts";
import { formatTime, element, formatNumber, formatDuration } from "./format.ts";
import { fillTable } from "./items.ts";

const data = JSON.parse(element("data").textContent) as ReportData;
const { counts, timeline, start, end } = data;

document.querySelector("h1")!.textContent = data.title;
element("state").textContent =
  `${data.state}${start ? `; first start ${formatTime(start)}, last end ${formatTime(end)}` : ""}; read ${formatTime(data.made)}`;

const sums: [id: string, name: string, value: string][] = [
  ["items", "items", formatNumber(counts.items)],
  ["done", "done", formatNumber(counts.done)],
  ["dead", "failed", formatNumber(counts.dead)],
  ["unsettled", "not over", formatNumber(counts.unsettled)],
  ["attempts", "attempts", formatNumber(counts.attempts)],
  ["lost", "lost with their worker", formatNumber(counts.lost)],
  ["took", "time", formatDuration(end - start)],
];
for (const [id, name, value] of sums) {
  const box = document.createElement("div");
  const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
  [term.textContent, detail.textContent, detail.id] = [name, value, `sum-${id}`];
  box.append(term, detail);
  element("sums").append(box);
}

const legend = timeline.cells.length
  ? `how busy, in slices of ${formatDuration(timeline.width)}; red: attempts in it that failed or were lost`
  : "a bar an attempt, lines join the attempts at one item";
element("lanes").textContent =
  `A lane a worker slot, ${legend}.${timeline.left ? ` ${formatNumber(timeline.left)} more are not shown.` : ""}`;

if (data.durations) {
  const { p50, p95, p99, max } = data.durations;
  element("quantiles").textContent =
    `Last attempt of each settled item. p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, p99 ${formatDuration(p99)}, longest ${formatDuration(max)}`;
}
element("failures").hidden = data.reasons.length === 0;

fillTable(data);
drawCharts(data);
// Colours come from the style sheet: a change of the scheme draws the charts again.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(data));
document.documentElement.dataset.ready = "true";
