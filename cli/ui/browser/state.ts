/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Shows the state of the batch.
import { element, formatDuration, formatNumber } from "../../report/browser/format.ts";
import { itemButton } from "../../report/browser/items.ts";
import { showSums } from "../../report/browser/show.ts";
import { setText, sync } from "../../report/browser/sync.ts";
import type { LiveState, LiveWorker } from "../liveState.ts";

function showWorker(row: HTMLElement, worker: LiveWorker, onItem: (id: number) => void): void {
  const { pod, node, done, failed, alive, silentMs, inFlight, more } = worker;
  const [podCell, nodeCell, doneCell, failedCell, heard, items] = [...row.children] as HTMLElement[];
  setText(podCell!, pod);
  setText(nodeCell!, node || "-");
  setText(doneCell!, formatNumber(done));
  setText(failedCell!, formatNumber(failed));
  setText(heard!, `${formatDuration(Math.floor(silentMs / 1000) * 1000)} ago`);
  heard!.classList.toggle("silent", !alive);
  const list = items!.firstElementChild as HTMLElement;
  sync(
    list,
    inFlight,
    ({ id }) => String(id),
    ({ id, item }) => {
      const line = document.createElement("li");
      line.append(itemButton(id, onItem, item), document.createElement("span"));
      return line;
    },
  );
  inFlight.forEach(({ forMs }, index) => {
    setText(list.children[index]!.lastElementChild as HTMLElement, ` ${formatDuration(Math.floor(forMs / 100) * 100)}`);
  });
  setText(items!.lastElementChild as HTMLElement, more > 0 ? `and ${formatNumber(more)} more` : "");
}

function makeRow(): HTMLElement {
  const row = document.createElement("tr");
  for (const look of ["", "", "number", "number", "number", ""]) {
    const cell = document.createElement("td");
    cell.className = look;
    row.append(cell);
  }
  row.lastElementChild!.append(document.createElement("ul"), document.createElement("span"));
  return row;
}

const byPod = (a: LiveWorker, b: LiveWorker) => (a.pod < b.pod ? -1 : a.pod > b.pod ? 1 : 0);

/** Shows a state. @param onItem Called with the number of an item that is chosen. */
export function showState(state: LiveState, onItem: (id: number) => void): void {
  const { title, away, counts, rate, left, workers, hasJob, doing } = state;
  const { total, done, dead, running, waiting, delayed } = counts;
  document.title = `${title}: ${total ? Math.floor(((done + dead) / total) * 100) : 0} %`;
  setText(document.querySelector("h1")!, title);
  element("away").hidden = away === undefined;
  setText(element("away"), `Redis is away: ${away ?? ""}. Trying again; the page shows the last state that is known.`);
  setText(element("state"), [state.state, doing].filter(Boolean).join("; "));
  const bar = element("bar") as HTMLProgressElement;
  bar.value = total ? (done + dead) / total : 0;
  bar.classList.toggle("failed", dead > 0);
  setText(element("pace"), rate === null || !left ? "" : paceText(rate, left));
  showSums([
    ["items", "items", formatNumber(total)],
    ["done", "done", formatNumber(done)],
    ["dead", "failed", formatNumber(dead)],
    ["running", "running", formatNumber(running)],
    ["waiting", "waiting", formatNumber(waiting)],
    ["delayed", "to be retried", formatNumber(delayed)],
    ["lost", "lost with their worker", formatNumber(counts.lost)],
    ["workers", "workers", formatNumber(workers.length)],
  ]);
  const isOver = counts.state === "finished" || counts.state === "aborted";
  enable("pause", counts.state === "open");
  enable("resume", counts.state === "paused" || counts.state === "aborted");
  enable("retry", dead > 0);
  enable("cancel", !isOver && total > 0);
  element("scale").hidden = !hasJob || isOver;
  element("no-workers").hidden = workers.length > 0;
  const rows = document.querySelector<HTMLElement>("#workers tbody")!;
  const sorted = workers.toSorted(byPod);
  sync(rows, sorted, ({ session }) => session, makeRow);
  sorted.forEach((worker, index) => showWorker(rows.children[index] as HTMLElement, worker, onItem));
}

function paceText(rate: number, { ms, low, high }: NonNullable<LiveState["left"]>): string {
  const speed = rate >= 10 ? formatNumber(Math.round(rate)) : rate.toFixed(rate < 1 ? 2 : 1);
  return `${speed} items/s, ${formatDuration(ms)} left (${formatDuration(low)} to ${formatDuration(high)})`;
}

function enable(id: string, isEnabled: boolean): void {
  (element(id) as HTMLButtonElement).disabled = !isEnabled;
}
