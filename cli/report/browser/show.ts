/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { ReportData } from "../reportData.ts";
import { drawCharts } from "./charts.ts";
import { element, formatDuration, formatNumber, formatTime, timeZone } from "./format.ts";
import { makeTable } from "./items.ts";
import { setText, sync } from "./sync.ts";

/** The numbers above the charts: their ids, names and texts. */
export function showSums(sums: [id: string, name: string, value: string][]): void {
  for (const [id, name, value] of sums) {
    const known = document.getElementById(`sum-${id}`);
    if (known) {
      if (known.textContent !== value) known.textContent = value;
      continue;
    }
    const box = document.createElement("div");
    const [term, detail] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, detail.textContent, detail.id] = [name, value, `sum-${id}`];
    box.append(term, detail);
    element("sums").append(box);
  }
}

function showHead({ title, state, made, counts, start, end }: ReportData): void {
  document.querySelector("h1")!.textContent = title;
  element("state").textContent =
    `${state}${start ? `; first start ${formatTime(start)}, last end ${formatTime(end)}` : ""}; read ${formatTime(made)}; times in ${timeZone()}`;
  showSums([
    ["items", "items", formatNumber(counts.items)],
    ["done", "done", formatNumber(counts.done)],
    ["dead", "failed", formatNumber(counts.dead)],
    ["unsettled", "not over", formatNumber(counts.unsettled)],
    ["attempts", "attempts", formatNumber(counts.attempts)],
    ["lost", "lost with their worker", formatNumber(counts.lost)],
    ["took", "time", formatDuration(end - start)],
  ]);
}

/** Texts beside the charts. */
function showNotes({ timeline, durations, reasons, table }: ReportData): void {
  const legend = timeline.cells.length
    ? `how busy, in slices of ${formatDuration(timeline.width)}; red: attempts in it that failed or were lost`
    : "one bar per attempt, lines join the attempts at one item";
  element("lanes").textContent =
    `One lane per slot, or per pod, ${legend}.${timeline.left ? ` ${formatNumber(timeline.left)} more are not shown.` : ""}`;
  element("duration").hidden = !durations;
  if (durations) {
    const { p50, p95, p99, max } = durations;
    element("quantiles").textContent =
      `Last attempt of each settled item. p50 ${formatDuration(p50)}, p95 ${formatDuration(p95)}, p99 ${formatDuration(p99)}, longest ${formatDuration(max)}`;
  }
  element("failures").hidden = reasons.length === 0;
  element("items").hidden = table.id.length === 0;
}

/** One line per reason, the most frequent first, with a bar of its share. */
function showReasons({ reasons }: ReportData, buttonsOf: (reason: string) => HTMLElement[]): void {
  const most = Math.max(...reasons.map(({ count }) => count));
  const list = element("reasons");
  sync(
    list,
    reasons,
    ({ reason }) => reason,
    ({ reason }) => {
      const line = document.createElement("li");
      const bar = document.createElement("meter");
      bar.ariaHidden = "true";
      line.append(bar, document.createElement("p"), ...buttonsOf(reason));
      return line;
    },
  );
  reasons.forEach(({ reason, count }, index) => {
    const [bar, text] = list.children[index]!.children as unknown as [HTMLMeterElement, HTMLElement];
    [bar.max, bar.value] = [most, count];
    setText(text, `${formatNumber(count)}: ${reason}`);
  });
}

/** Additions of a live page to the report. */
interface Additions {
  /** The page has a head of its own. */
  hasHead?: boolean;
  onItem?: (id: number) => void;
  /** Buttons beside a reason. */
  buttonsOf?: (reason: string) => HTMLElement[];
}

/** Makes the report's sections work. @returns Shows data in them; again with other data. */
export function makeReport({ hasHead = false, onItem, buttonsOf = () => [] }: Additions = {}): (
  data: ReportData,
) => void {
  const fillTable = makeTable(onItem);
  let shown: ReportData | undefined;
  // Colours come from the style sheet: a change of the scheme draws the charts again.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown && drawCharts(shown));
  return (data) => {
    shown = data;
    if (!hasHead) showHead(data);
    showNotes(data);
    showReasons(data, buttonsOf);
    fillTable(data);
    drawCharts(data);
  };
}
