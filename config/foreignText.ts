// Makes text harmless that we do not trust (items, reasons, logs, names in Redis). Printed anywhere, it cannot drive a
// terminal, end Pulumi, hide, or reverse the text beside it.

/**
 * Control and format characters: C0, C1, line separators, bidirectional ones, and all that have no width but those that
 * choose the look of an emoji. And the braces of `<{%` and `%}>`, between which Pulumi's command line expects the name
 * of a colour: it dies of any other name.
 */
const UNSEEN = /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]--[\ufe0e\ufe0f]]|(?<=<)\{(?=%)|(?<=%)\}(?=>)/gv;
// eslint-disable-next-line no-control-regex -- colours, as a handler's logger writes them
const COLOURS = /\u001b\[[\d;]*m/g;
const SHORT: Record<string, string> = { "\n": "\\n", "\t": "\\t" };

function escaped(char: string): string {
  const code = char.codePointAt(0)!.toString(16);
  return SHORT[char] ?? (code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`);
}

/** The text on one line, with escapes for invisible characters. */
export function oneLine(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The text with its lines and tabs, without colours, and with escapes for other invisible characters. */
export function severalLines(text: string): string {
  const plain = text.replaceAll("\r\n", "\n").replaceAll(COLOURS, "");
  return plain.replace(UNSEEN, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));
}

/** A line of JSON that is harmless in a terminal: the same value, with escapes for invisible characters. */
export function jsonLine(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replace(UNSEEN, (char) =>
    char
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
