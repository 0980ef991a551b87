/// <reference lib="dom" />
/** The element with this id; it is in the page. */
export const element = (id: string): HTMLElement => document.getElementById(id)!;

/** `12,345`. */
export const formatNumber = (value: number): string => value.toLocaleString("en-US");

const UNITS: [ms: number, unit: string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
];

/** `320ms`, `1.5s`, `2m 11s`, `3h 4m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)}s`;
  const [size, unit] = UNITS.find(([size]) => ms >= size)!;
  const [small, smallUnit] = UNITS[UNITS.findIndex(([at]) => at === size) + 1] ?? [1000, "s"];
  return `${Math.floor(ms / size)}${unit} ${Math.floor((ms % size) / small)}${smallUnit}`;
}

/** The reader's time zone: `Europe/Berlin`. */
export const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `2026-11-23 15:04:05`, in the reader's time zone. */
export function formatTime(ms: number): string {
  return new Date(ms).toLocaleString("sv-SE");
}
