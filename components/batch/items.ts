// The items of a Batch, from one of its three arguments.
import { itemSource } from "../../config/checks.ts";
import { fromFile, fromRange, listed } from "../../config/items.ts";
import { ConfigError } from "../../config/parse.ts";
import type { BatchSettings } from "../args.ts";
import { isPending, later } from "../readArgs.ts";
import type { Known } from "../types.ts";

/** Items as they travel to the seed Job; bytes as text, since an output takes a buffer apart. */
export type BatchItems =
  | { kind: "range"; range: string; digest: string }
  | { kind: "file"; format: string; base64: string; inline: boolean; digest: string };

const SOURCES = ["items", "itemsFile", "itemsRange"] as const;

/** @returns The items, or undefined where the queue is filled by hand. @throws ConfigError */
export function itemsOf(args: BatchSettings): Known<BatchItems> | undefined {
  const key = itemSource(args, SOURCES);
  if (key === undefined) return undefined;
  const value: unknown = args[key];
  if (!isPending(value)) return read(key, value);
  return later(value, (known) => {
    const items = read(key, known);
    if (items.kind === "file") checkFits(items);
    return items;
  });
}

function read(key: (typeof SOURCES)[number], value: unknown): BatchItems {
  if (key === "itemsRange") return fromRange(key, String(value));
  const { gzipped, ...items } = key === "items" ? listed(key, value) : fromFile(key, String(value));
  return { ...items, base64: gzipped.toString("base64") };
}

function checkFits({ inline }: Extract<BatchItems, { kind: "file" }>): void {
  if (!inline)
    throw new ConfigError(
      "Expected `items` that are an output to be at most 512 KiB, compressed: write them to a file, `itemsFile`.",
    );
}
