// A terminal's content as an SVG: text with colours, no cursor movements.

const ESC = "\u001b";
/** A change of style. */
const SGR = new RegExp(`${ESC}\\[([\\d;]*)m`);
/** Any other escape sequence. */
const OTHER = new RegExp(`${ESC}\\[[?\\d;]*[A-Za-ln-z]`, "g");
const WIDTH = 8.4;
const HEIGHT = 19;
const MARGIN = 16;
/** Colours of SGR 30 to 37, and bright black, on the dark ground of a terminal. */
const COLOURS: Record<number, string> = {
  30: "#484f58",
  31: "#ff7b72",
  32: "#56d364",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#56d4dd",
  37: "#e6edf3",
  90: "#8b949e",
};

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** One line of text, in parts of one style each. */
function spans(line: string): string {
  let [colour, bold, dim] = ["", false, false];
  const parts = line.split(SGR);
  return parts
    .map((part, index) => {
      if (index % 2 === 0) {
        if (part === "") return "";
        const style = [colour && `fill="${colour}"`, bold && 'font-weight="bold"', dim && 'opacity="0.7"'];
        return `<tspan ${style.filter(Boolean).join(" ")}>${escaped(part)}</tspan>`.replace("<tspan >", "<tspan>");
      }
      for (const code of (part || "0").split(";").map(Number)) {
        if (code === 0) [colour, bold, dim] = ["", false, false];
        else if (code === 1) bold = true;
        else if (code === 2) dim = true;
        else if (code === 22) [bold, dim] = [false, false];
        else if (code === 39) colour = "";
        else if (COLOURS[code]) colour = COLOURS[code];
      }
      return "";
    })
    .join("");
}

/**
 * @param command What was typed.
 * @param output What was answered, with its escape sequences.
 */
export function terminalSvg(command: string, output: string, columns: number): string {
  // Only colours are drawn; whatever else a program sent (cursor, title) is left out.
  const text = output.replaceAll(OTHER, "").replaceAll("\r", "");
  const lines = [`${ESC}[90m$${ESC}[39m ${ESC}[1m${command}${ESC}[22m`, ...text.trimEnd().split("\n")];
  const [width, height] = [Math.ceil(columns * WIDTH) + 2 * MARGIN, lines.length * HEIGHT + 2 * MARGIN];
  const rows = lines.map(
    (line, index) =>
      `<text x="${MARGIN}" y="${MARGIN + 14 + index * HEIGHT}" xml:space="preserve">${spans(line)}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    `<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">`,
    ...rows,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}
