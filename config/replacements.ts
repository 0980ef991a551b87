// The item in the arguments of a command, by the names of GNU parallel.
import { posix } from "node:path";

/** Programs whose text after `-c` is code: an item in it could run as a part of it. */
const SHELLS = /^(?:sh|bash|dash|ash|ksh|zsh|fish|busybox)$/;
/** An option that is followed by that text: `-c`, `-ec`. */
const TEXT_FOLLOWS = /^-[a-zA-Z]*c$/;
/** Not `${#}` and the like, which are the shell's. */
const NAMES = /(?<!\$)\{(\/\/|\/\.|[./#]?)\}/;
const REPLACED = /\{(\/\/|\/\.|[./#]?|[A-Za-z_]\w*)\}/g;

/** Places of arguments that are code. */
function codeOf(command: string[]): Set<number> {
  const places = new Set<number>();
  command.forEach((word, at) => {
    if (!SHELLS.test(posix.basename(word))) return;
    const option = command.findIndex((next, index) => index > at && TEXT_FOLLOWS.test(next));
    if (option >= 0) places.add(option + 1);
  });
  return places;
}

/** Reason why an item cannot be put into this command, in one line; undefined where it can. */
export function wrongReplacement(command: string[]): string | undefined {
  for (const place of codeOf(command)) {
    const found = NAMES.exec(command[place] ?? "");
    if (found)
      return `no ${found[0]} in the text after "${command[place - 1]}", where an item could run as code: write "$ITEM"`;
  }
  return undefined;
}

/** The text without its last ending: `a/b.tar` of `a/b.tar.gz`. */
function withoutEnding(text: string): string {
  const ending = posix.extname(text);
  return ending === "" ? text : text.slice(0, -ending.length);
}

/** The fields of an item that is a JSON object. */
function fieldsOf(item: string): Record<string, unknown> {
  if (!item.trimStart().startsWith("{")) return {};
  try {
    return JSON.parse(item) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** True if any argument takes something of the item. */
export const hasReplacement = (command: string[]): boolean => command.some((word) => word.search(REPLACED) >= 0);

/**
 * A function that puts an item into the arguments of a command: `{}` the item, `{.}` without its ending, `{/}` its last
 * part, `{//}` its folder, `{/.}` its last part without the ending, `{#}` its number, `{name}` that field of an item
 * that is a JSON object. A name that the item does not have stays as it is.
 */
export function replacer(command: string[]): (item: string, id: number) => string[] {
  const code = codeOf(command);
  const isFixed = !hasReplacement(command);
  return (item, id) => {
    if (isFixed) return command;
    const fields = fieldsOf(item);
    const values: Record<string, () => string> = {
      "": () => item,
      ".": () => withoutEnding(item),
      "/": () => posix.basename(item),
      "//": () => posix.dirname(item),
      "/.": () => withoutEnding(posix.basename(item)),
      "#": () => String(id),
    };
    const valueOf = (whole: string, name: string): string => {
      if (Object.hasOwn(values, name)) return values[name]!();
      if (!Object.hasOwn(fields, name)) return whole;
      const field = fields[name];
      return typeof field === "string" ? field : JSON.stringify(field);
    };
    return command.map((word, place) => (code.has(place) ? word : word.replaceAll(REPLACED, valueOf)));
  };
}
