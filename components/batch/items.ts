// The items of a Batch, from one of its three arguments.
import * as pulumi from "@pulumi/pulumi";
import { itemSource } from "../../config/checks.ts";
import { fromFile, fromRange, type ItemList, listed } from "../../config/items/items.ts";
import { ConfigError } from "../../config/parse.ts";
import { fieldPlace } from "../../config/replacements.ts";
import type { BatchSettings } from "../args.ts";
import { checked } from "../programChecks.ts";
import { isPending, later } from "../readArgs.ts";
import type { Known } from "../types.ts";

/** Items as they travel to the seed Job; bytes as text, since an output takes a buffer apart. */
export type BatchItems =
  | { kind: "range"; range: Known<string>; digest: Known<string>; isJson: false }
  | {
      kind: "file";
      format: Known<string>;
      base64: Known<string>;
      inline: boolean;
      digest: Known<string>;
      /** Unknown if the items are an output. */
      isJson?: boolean;
    };

const SOURCES = ["items", "itemsFile", "itemsRange"] as const;

/**
 * @param component The Batch, for messages about items that are outputs.
 * @param range The checked range, if there is one.
 * @returns The items, or undefined if the queue is filled by hand.
 * @throws ConfigError
 */
export function itemsOf(
  component: string,
  args: BatchSettings,
  range: Known<string> | undefined,
): BatchItems | undefined {
  const key = itemSource(args, SOURCES);
  if (key === undefined) return undefined;
  if (key === "itemsRange") {
    const known = later(range!, (text) => fromRange(key, text));
    return { kind: "range", range: range!, digest: later(known, ({ digest }) => digest), isJson: false };
  }
  const value: unknown = args[key];
  if (!isPending(value)) {
    const list = key === "items" ? listed(key, value) : fromFile(key, String(value));
    if (!list.isText)
      void pulumi.log.warn(
        `\`itemsFile\` ${String(value)} is not UTF-8: a handler finds \ufffd in its items, and their bytes in \`context.bytes\`; of Latin-1, \`iconv -f LATIN1 -t UTF-8 ${String(value)} > items.txt\` makes a list`,
      );
    return inText(list);
  }
  const list = later(value, (known) => checked(component, () => checkFits(inText(listed(key, known)))));
  return {
    kind: "file",
    inline: true,
    format: later(list, ({ format }) => format),
    base64: later(list, ({ base64 }) => base64),
    digest: later(list, ({ digest }) => digest),
  };
}

/** Warns if workers will wait for items, and if a command names fields that the items, plain text, do not have. */
export function warnOfItems(
  component: string,
  queue: string,
  items: BatchItems | undefined,
  { workers, command }: { workers: boolean; command: unknown },
): void {
  if (items === undefined && workers)
    void pulumi.log.warn(
      `${component}: none of \`items\`, \`itemsFile\` and \`itemsRange\` is set, so the workers wait until somebody fills the list ${queue}`,
    );
  if (items?.isJson !== false || command === undefined) return;
  later(command as Known<string[]>, (words) => {
    const place = fieldPlace(words);
    if (place === undefined) return;
    void pulumi.log.warn(
      `${component}: ${place} in \`command\` stays as it is, since the items are no JSON: {} is the item`,
    );
  });
}

const inText = ({ gzipped, isText: _, ...items }: ItemList) => ({ ...items, base64: gzipped.toString("base64") });

function checkFits<T extends { inline: boolean }>(list: T): T {
  if (list.inline) return list;
  throw new ConfigError(
    "Expected `items` that are an output to be at most 512 KiB, compressed: write them to a file, `itemsFile`.",
  );
}
