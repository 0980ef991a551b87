/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { emptyTable, type ReportData, type ReportTable } from "../reportData.ts";
import { formatTime, element, formatNumber, formatDuration } from "./format.ts";
import { setText, sync } from "./sync.ts";

const PAGE = 50;

interface Column {
  name: string;
  /** Sort key. */
  value: (table: ReportTable, row: number) => number | string;
  /** Text of the cell. */
  text: (value: number | string, start: number) => string;
  numeric?: boolean;
}

const NOTHING = emptyTable();

const plain = (value: number | string) => String(value);
const columns: Column[] = [
  { name: "id", value: (t, i) => t.id[i]!, text: plain, numeric: true },
  { name: "item", value: (t, i) => t.item[i]!, text: plain },
  { name: "outcome", value: (t, i) => t.outcome[i]!, text: plain },
  { name: "result", value: (t, i) => t.result[i]!, text: plain },
  { name: "attempts", value: (t, i) => t.attempts[i]!, text: plain, numeric: true },
  { name: "pod", value: (t, i) => t.pods[t.pod[i]!] ?? "", text: plain },
  {
    name: "start",
    value: (t, i) => t.start[i]!,
    text: (v, start) => (Number(v) < 0 ? "" : formatTime(start + Number(v))),
    numeric: true,
  },
  {
    name: "duration",
    value: (t, i) => t.duration[i]!,
    text: (v) => (Number(v) < 0 ? "" : formatDuration(Number(v))),
    numeric: true,
  },
  { name: "reason", value: (t, i) => t.reasons[t.reason[i]!] ?? "", text: plain },
];

/**
 * Makes the table of items: a page at a time, searched and sorted in memory.
 * @param onItem Makes ids buttons that call this.
 * @returns Shows other data in it, searched and sorted as before.
 */
export function makeTable(onItem?: (id: number) => void): (data: ReportData) => void {
  let { table, start } = { table: NOTHING, start: 0 };
  const search = element("search") as HTMLInputElement;
  const [back, next] = [element("back") as HTMLButtonElement, element("next") as HTMLButtonElement];
  let rows: number[] = [];
  let page = 0;
  let sortedBy = columns[0]!;
  let downwards = false;

  const heads = columns.map((column) => {
    const [head, button] = [document.createElement("th"), document.createElement("button")];
    head.className = column.numeric ? "number" : "";
    button.textContent = column.name;
    button.addEventListener("click", () => {
      downwards = sortedBy === column && !downwards;
      sortedBy = column;
      page = 0;
      arrange();
    });
    head.append(button);
    return head;
  });
  const headRow = document.createElement("tr");
  headRow.append(...heads);
  document.querySelector("#table thead")!.append(headRow);

  const makeRow = (row: number) => {
    const line = document.createElement("tr");
    for (const { name, numeric } of columns) {
      const cell = document.createElement("td");
      cell.className = numeric ? "number" : "";
      if (name === "id" && onItem) cell.append(itemButton(table.id[row]!, onItem));
      line.append(cell);
    }
    return line;
  };

  const show = () => {
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    const body = document.querySelector<HTMLElement>("#table tbody")!;
    const shown = rows.slice(page * PAGE, (page + 1) * PAGE);
    sync(body, shown, (row) => String(table.id[row]), makeRow);
    shown.forEach((row, index) => {
      columns.forEach(({ name, value, text }, column) => {
        const cell = body.children[index]!.children[column] as HTMLElement;
        const content = value(table, row);
        setText(cell, text(content, start));
        if (name === "outcome") cell.className = String(content);
      });
    });
    const left = table.left ? `; ${formatNumber(table.left)} more are in \`wq results\`` : "";
    element("found").textContent = `${formatNumber(rows.length)} of ${formatNumber(table.id.length)} items${left}`;
    element("place").textContent = `page ${formatNumber(page + 1)} of ${formatNumber(pages)}`;
    [back.disabled, next.disabled] = [page === 0, page >= pages - 1];
    heads.forEach((head, i) =>
      head.setAttribute("aria-sort", columns[i] !== sortedBy ? "none" : downwards ? "descending" : "ascending"),
    );
  };

  /** Applies search and sort order; equal rows stay in the order of the items. */
  const arrange = () => {
    const wanted = search.value.trim().toLowerCase();
    // Pods and reasons repeat, so each is searched once, not once per item.
    const matches = (text: string) => text.toLowerCase().includes(wanted);
    const [pods, reasons] = [table.pods.map(matches), table.reasons.map(matches)];
    rows = table.id.map((_, index) => index);
    if (wanted) {
      rows = rows.filter(
        (i) =>
          pods[table.pod[i]!] ||
          reasons[table.reason[i]!] ||
          matches(table.item[i]!) ||
          matches(table.outcome[i]!) ||
          matches(table.result[i]!),
      );
    }
    const keys = rows.map((row) => sortedBy.value(table, row));
    const order = keys.map((_, index) => index);
    const sign = downwards ? -1 : 1;
    order.sort((a, b) => {
      const [x, y] = [keys[a]!, keys[b]!];
      return x < y ? -sign : x > y ? sign : rows[a]! - rows[b]!;
    });
    rows = order.map((index) => rows[index]!);
    page = Math.min(page, Math.max(0, Math.ceil(rows.length / PAGE) - 1));
    show();
  };

  search.addEventListener("input", () => [(page = 0), arrange()]);
  back.addEventListener("click", () => [page--, show()]);
  next.addEventListener("click", () => [page++, show()]);
  return (data) => {
    ({ table, start } = data);
    arrange();
  };
}

/** A button with an item's number. */
export function itemButton(id: number, onItem: (id: number) => void, text = String(id)): HTMLButtonElement {
  const button = document.createElement("button");
  button.className = "link";
  button.textContent = text;
  button.addEventListener("click", () => onItem(id));
  return button;
}
