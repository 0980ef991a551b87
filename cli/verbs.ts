import type { Command } from "commander";

/** A subcommand of `wq`, as far as `wq --help` and the completion need it; its code is loaded when it is asked for. */
export interface Verb {
  name: string;
  /** Its arguments in the help. */
  args?: string;
  summary: string;
  load: () => Promise<{ default: Command }>;
}

/** All verbs, in the groups and the order of the help. */
export const verbGroups: Record<string, Verb[]> = {
  Run: [
    {
      name: "run",
      args: "-- PROGRAM",
      summary: "run a program on items, on a cluster, without a stack",
      load: () => import("./run/command.ts"),
    },
  ],
  Look: [
    {
      name: "status",
      summary: "counts, rate, time left, one line per worker",
      load: () => import("./commands/status.ts"),
    },
    {
      name: "results",
      summary: "every item with its outcome, as NDJSON or CSV",
      load: () => import("./commands/results.ts"),
    },
    { name: "failed", summary: "failed items, grouped by reason", load: () => import("./commands/failed.ts") },
    {
      name: "logs",
      args: "[ITEM]",
      summary: "log of one item, or of all as it is written",
      load: () => import("./commands/logs.ts"),
    },
    { name: "ui", summary: "a live page in the browser, with buttons", load: () => import("./ui/command.ts") },
    { name: "report", summary: "the run as one HTML file", load: () => import("./commands/report.ts") },
  ],
  Act: [
    { name: "retry", summary: "run the failed items again", load: () => import("./commands/retry.ts") },
    {
      name: "cancel",
      args: "[ITEM]",
      summary: "give up items that wait or run",
      load: () => import("./commands/cancel.ts"),
    },
    { name: "pause", summary: "start no more items", load: () => import("./commands/pause.ts") },
    { name: "resume", summary: "undo a pause or an abort", load: () => import("./commands/resume.ts") },
    {
      name: "scale",
      args: "PODS",
      summary: "change the number of workers while they run",
      load: () => import("./commands/scale.ts"),
    },
  ],
  "Shared Redis": [
    { name: "list", summary: "every batch of a Redis, with its memory", load: () => import("./commands/list.ts") },
    { name: "purge", args: "QUEUE", summary: "delete a batch from Redis", load: () => import("./commands/purge.ts") },
  ],
  Program: [
    {
      name: "try",
      args: "ITEM",
      summary: "run the handler on one item, on this machine",
      load: () => import("./try/command.ts"),
    },
    {
      name: "completion",
      args: "SHELL",
      summary: "script that completes `wq` in bash, zsh or fish",
      load: () => import("./commands/completion.ts"),
    },
  ],
};

export const verbs: Verb[] = Object.values(verbGroups).flat();
