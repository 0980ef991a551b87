import { execa } from "execa";
import xterm from "@xterm/headless";

/** A program in a terminal of its own: a real pty, and an emulation of what a person sees. */
export interface Screen {
  /** The lines that are not empty, as they stand. */
  lines(): Promise<string[]>;
  /** Number of lines that were scrolled out of sight: redrawing in place scrolls none. */
  scrolled(): number;
  /** All that was written, escape sequences included. */
  raw(): string;
  /** Sends the bytes of keys. */
  type(keys: string): void;
  /** Its exit code. */
  ended: Promise<number | undefined>;
}

/** Starts it in 24 lines of 80 columns. */
export function inTerminal(program: string[], env: Record<string, string> = {}): Screen {
  const terminal = new xterm.Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  // From bsdutils, which every Debian has: runs a command on a new pty, and ends as it does.
  const command = `stty rows 24 cols 80; exec ${program.map((word) => `'${word}'`).join(" ")}`;
  // As in a person's terminal: settings of CI, or of the developer, for colours do not count.
  const plain = { TERM: "xterm-256color", CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };
  const script = execa("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { ...plain, ...env },
    reject: false,
    encoding: "utf8",
    cleanup: true,
  });
  let raw = "";
  script.stdout.on("data", (data: Buffer | string) => {
    raw += String(data);
    terminal.write(String(data));
  });
  const written = () => new Promise<void>((resolve) => terminal.write("", resolve));
  return {
    raw: () => raw,
    scrolled: () => terminal.buffer.active.baseY,
    type: (keys) => void script.stdin.write(keys),
    ended: script.then(({ exitCode }) => exitCode),
    async lines() {
      await written();
      const buffer = terminal.buffer.active;
      const all = Array.from({ length: buffer.length }, (_, i) => buffer.getLine(i)!.translateToString(true));
      return all.filter(Boolean);
    },
  };
}
