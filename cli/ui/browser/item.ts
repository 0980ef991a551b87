/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The dialog with one item: its attempts, and its log as it is written.
import { element, formatDuration, formatTime } from "../../report/browser/format.ts";
import type { LiveItem } from "../liveState.ts";
import { ask, change } from "./ask.ts";

const LOOK_MS = 1_000;
/** Characters of the log that are kept in the page. */
const MAX_LOG = 500_000;

/** Ends with the dialog, or when it shows another item. */
let close = () => {};
/** The item that was asked for last; an answer for an earlier one comes too late. */
let wanted = {};

/** Shows an item, until the dialog is closed. */
export async function showItem(queue: string, id: number): Promise<void> {
  close();
  const mine = (wanted = {});
  const path = `${encodeURIComponent(queue)}/items/${id}`;
  const first = await ask<LiveItem>(path);
  if (!first || wanted !== mine) return;
  const dialog = element("item") as HTMLDialogElement;
  const log = element("log");
  log.textContent = first.log ?? "";
  fill(first);
  const lines = new EventSource(`api/batches/${path}/log`);
  lines.addEventListener("lines", (event: MessageEvent<string>) => {
    const isAtEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 20;
    log.textContent = (log.textContent + (JSON.parse(event.data) as string[]).join("\n") + "\n").slice(-MAX_LOG);
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  });
  const timer = setInterval(
    () => void ask<LiveItem>(path).then((item) => item && wanted === mine && fill(item)),
    LOOK_MS,
  );
  element("retry-item").onclick = () => void change(queue, "retry", { id });
  element("cancel-item").onclick = () => void change(queue, "cancel", { id });
  close = () => {
    clearInterval(timer);
    lines.close();
  };
  dialog.onclose = close;
  if (!dialog.open) dialog.showModal();
}

function fill({ id, item, outcome, result, reason, attempts, log }: LiveItem): void {
  document.querySelector("#item h2")!.textContent = `${item} (${id})`;
  const what = outcome === "retrying" ? "waits for another attempt" : outcome;
  const value = outcome === "done" && result !== null ? `: ${JSON.stringify(result)}` : "";
  element("outcome").textContent = `${what}${value}${reason === null ? "" : `: ${reason}`}`;
  const rows = attempts.map((attempt, index) => {
    const row = document.createElement("tr");
    const { pod, start, end, error = "" } = attempt;
    const cells = [String(index + 1), pod, formatTime(start), formatDuration(end - start), attempt.outcome, error];
    for (const [column, text] of cells.entries()) {
      const cell = document.createElement("td");
      if (column === 3) cell.className = "number";
      cell.textContent = text.split("\n", 1)[0]!;
      row.append(cell);
    }
    return row;
  });
  document.querySelector("#attempts tbody")!.replaceChildren(...rows);
  (element("retry-item") as HTMLButtonElement).disabled = outcome !== "failed";
  (element("cancel-item") as HTMLButtonElement).disabled = outcome === "failed" || outcome === "done";
  // The item ended before its lines were followed.
  if (element("log").textContent === "" && log !== null) element("log").textContent = log;
}
