// The item in the arguments of a command, by the names of GNU parallel.
import { posix } from "node:path";

/** Programs that take code as an argument, in which an item could run, and the option before it; else their first. */
const CODE_FOLLOWS: [program: RegExp, option: RegExp, advice: string][] = [
  [/^(?:sh|bash|dash|ash|ksh|zsh|fish|busybox|su)$/, /^-[a-zA-Z]*c$/, 'write "$ITEM"'],
  [/^(?:python|pypy)[\d.]*$/, /^-[a-zA-Z]*c$/, 'write os.environ["ITEM"], or { }'],
  [/^(?:node|nodejs|bun|deno)$/, /^(?:-[a-z]*[ep]|--eval|--print|eval)$/, "write process.env.ITEM, or { }"],
  [/^(?:perl|ruby|lua|php|R|Rscript|julia)$/, /^(?:-[a-zA-Z\d]*[eEr]|--eval)$/, "read the variable ITEM"],
  [/^(?:jq|yq|[gm]?awk)$/, /^[^-]/, "read the variable ITEM, or write { }"],
];
/** A script's path. Arguments after it are its own affair. */
const SCRIPT = /^[^-].*[./]/;
/** Not `${#}` and the like, which are the shell's. */
const NAMES = /(?<!\$)\{(\/\/|\/\.|[./#]?)\}/;
const REPLACED = /\{(\/\/|\/\.|[./#]?|[1-9]\d?|[A-Za-z_]\w*)\}/g;

/** Operators of a shell, and programs with such operators of their own. */
const OPERATOR = /^(\||\|\||&&|[12]?>>?|2>&1|&>)$/;
const TAKES_OPERATORS = /(^|\/)(expr|test|\[|tr|find)$/;

/** Places of arguments that are code, and what to write there instead of `{}`. */
function codeOf(command: string[]): Map<number, string> {
  const places = new Map<number, string>();
  command.forEach((word, at) => {
    const [, option, advice] = CODE_FOLLOWS.find(([program]) => program.test(posix.basename(word))) ?? [];
    if (!option) return;
    const rest = command.slice(at + 1);
    const found = rest.findIndex((next) => option.test(next));
    const script = rest.findIndex((next) => SCRIPT.test(next));
    if (found < 0 || (script >= 0 && script < found)) return;
    places.set(at + 1 + (/^-|^eval$/.test(rest[found]!) ? found + 1 : found), advice!);
  });
  return places;
}

/** A word of a command that only a shell would understand, on one line; undefined without one. */
export function needsShell(command: string[]): string | undefined {
  const code = codeOf(command);
  for (const [place, word] of command.entries()) {
    const variable = /^[^\s]*(\$ITEM\b|\$\{ITEM\})/.exec(word)?.[1];
    if (variable && !code.has(place)) return `no ${variable} in "${word}", which no shell reads: write {}`;
    if (place > 0 && OPERATOR.test(word) && !(TAKES_OPERATORS.test(command[0]!) || command[place - 1]!.startsWith("-")))
      return `no "${word}", since no shell reads it: write ["sh", "-c", "…"]`;
  }
  return undefined;
}

/** Reason why an item cannot be put into this command, in one line; undefined if it can. */
export function wrongReplacement(command: string[]): string | undefined {
  for (const [place, advice] of codeOf(command)) {
    const found = NAMES.exec(command[place] ?? "");
    if (found)
      return `no ${found[0]} in the text after "${command[place - 1]}", where an item could run as code: ${advice}`;
  }
  return needsShell(command);
}

/** The text without its last ending: `a/b.tar` of `a/b.tar.gz`. */
function withoutEnding(text: string): string {
  const ending = posix.extname(text);
  return ending === "" ? text : text.slice(0, -ending.length);
}

/** The fields of an item that is a JSON object; of an array its elements by their number, from 1. */
function fieldsOf(item: string): Record<string, unknown> {
  if (!/^\s*[[{]/.test(item)) return {};
  try {
    const value = JSON.parse(item) as unknown[] | Record<string, unknown>;
    return Array.isArray(value) ? { ...[undefined, ...value] } : value;
  } catch {
    return {};
  }
}

/** True if any argument has a replacement string. Code has none. */
export function hasReplacement(command: string[]): boolean {
  const code = codeOf(command);
  return command.some((word, place) => !code.has(place) && word.search(REPLACED) >= 0);
}

/** A place for a field of an item, like `{name}`; undefined without one. */
export function fieldPlace(command: string[]): string | undefined {
  const code = codeOf(command);
  const places = command.map((word, place) => (code.has(place) ? undefined : /\{[A-Za-z_]\w*\}/.exec(word)?.[0]));
  return places.find((place) => place !== undefined);
}

/**
 * A function that puts an item into the arguments of a command: `{}` the item, `{.}` without its ending, `{/}` its last
 * part, `{//}` its folder, `{/.}` its last part without the ending, `{#}` its number, `{name}` that field of an item
 * that is a JSON object, `{1}` the first of a JSON array. What the item does not have stays as it is.
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
