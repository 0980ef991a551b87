/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Entry point of the page of `wq ui`. It shows what the server sends, and asks the server for the changes of buttons.
import type { ReportData } from "../../report/reportData.ts";
import { element } from "../../report/browser/format.ts";
import { makeReport } from "../../report/browser/show.ts";
import type { ListedBatch, LiveState } from "../liveState.ts";
import { ask, change } from "./ask.ts";
import { showItem } from "./item.ts";
import { showState } from "./state.ts";

const wanted = new URLSearchParams(location.search);
const queue = wanted.get("queue") ?? document.documentElement.dataset.queue!;
// From now on the cookie has the token, so nobody can read it from the address or the history.
history.replaceState(null, "", wanted.has("queue") ? `?queue=${encodeURIComponent(queue)}` : location.pathname);

/** The text that was searched last. An answer to an earlier search comes too late. */
let searched: string | undefined;
const open = (id: number) => {
  searched = undefined;
  void showItem(queue, id);
};
const showReport = makeReport({
  hasHead: true,
  onItem: open,
  buttonsOf: (reason) => {
    const button = document.createElement("button");
    button.textContent = "Retry these";
    button.addEventListener("click", () => void change(queue, "retry", { reason }));
    return /^(\d+ )?other reasons$/.test(reason) ? [] : [button];
  },
});

const events = new EventSource(`api/batches/${encodeURIComponent(queue)}/events`);
events.addEventListener("state", (event: MessageEvent<string>) => {
  showState(JSON.parse(event.data) as LiveState, open);
  document.documentElement.dataset.ready = "true";
});
events.addEventListener("report", (event: MessageEvent<string>) => showReport(JSON.parse(event.data) as ReportData));
// It connects again by itself, and then gets everything.
events.addEventListener("error", () => {
  element("away").hidden = false;
  element("away").textContent = "`wq ui` does not answer: is it still running? Trying again.";
});

for (const name of ["pause", "resume", "retry", "cancel"])
  element(name).addEventListener("click", () => {
    if (name === "cancel" && !confirm("Cancel every item that is not over?")) return;
    void change(queue, name, name === "cancel" ? { all: true } : {});
  });
element("scale").addEventListener("submit", (event) => {
  event.preventDefault();
  void change(queue, "scale", { pods: (element("pods") as HTMLInputElement).valueAsNumber });
});
element("search-item").addEventListener("submit", (event) => {
  event.preventDefault();
  void find((element("text") as HTMLInputElement).value);
});

/** Opens an item by its text, or by `#number`. */
async function find(text: string): Promise<void> {
  const id = /^#(\d+)$/.exec(text)?.[1];
  if (id !== undefined) return open(Number(id));
  searched = text;
  const ids = await ask<number[]>(`${encodeURIComponent(queue)}/items?text=${encodeURIComponent(text)}`);
  if (ids === undefined || searched !== text) return;
  if (ids.length > 0) open(ids[0]!);
  element("message").textContent =
    ids.length === 0
      ? `No such item was given to a worker yet: ${text}`
      : ids.length > 1
        ? `${ids.length} items have this text: the first is shown.`
        : "";
}

/** The other batches of this Redis, to choose from. */
async function listBatches(): Promise<void> {
  const batches = (await ask<ListedBatch[]>("")) ?? [];
  const select = element("batches") as HTMLSelectElement;
  const options = batches.map(({ queue: name, state, total, settled }) => {
    const text = `${name}: ${settled} of ${total}, ${state}`;
    return new Option(text, name, false, name === queue);
  });
  select.replaceChildren(...options);
  element("others").hidden = batches.length < 2;
}
element("batches").addEventListener("change", (event) => {
  location.search = `?queue=${encodeURIComponent((event.target as HTMLSelectElement).value)}`;
});
element("batches").addEventListener("focus", () => void listBatches());
void listBatches();
