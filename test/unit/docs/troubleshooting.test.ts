import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");

/** Messages of other programs. */
const OTHERS = [
  "configured Kubernetes cluster is unreachable",
  "exec format error",
  "failed to connect to any docker daemon",
  "Cannot connect to the Docker daemon",
  "no basic auth credentials",
  "unauthorized",
  "OOMKilled",
  "the stack is currently locked by 1 lock(s)",
  "already exists",
];

/** Places in a quoted message where the code fills something in. */
const FILLED_IN = /…|banana, fig \(|\d+ of \d+ items|(?<=the batch was aborted:)/;

/** The text on one line, without quotes, and with `…` for values that are filled in. */
const plain = (text: string) =>
  text
    .replaceAll(/\$\{[^{}]*(\{[^{}]*\}[^{}]*)*\}/g, "…")
    .replaceAll(/["'] ?(\+|\.\.)[^"'`]*["'`]/g, "…")
    .replaceAll(/[\\`]/g, "")
    .replaceAll(/\s+/g, " ");

describe("docs/troubleshooting.md", () => {
  it("quotes messages in the words of the code", () => {
    const files = globSync(
      "{*.ts,{bundle,cli,components,config,kube,queue,seed,supervisor,worker,local}/**/*.{ts,lua}}",
      {
        cwd: root,
      },
    );
    const sources = plain(files.map((file) => readFileSync(join(root, file), "utf8")).join("\n"));
    const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");
    const cells = [...page.matchAll(/^\| (.*?) \|/gm)].map((match) => match[1]!);
    const quoted = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
    const pieces = quoted.flatMap((text) => text.split(FILLED_IN)).map((piece) => piece.trim());
    const isKnown = (piece: string) => sources.includes(piece) || OTHERS.includes(piece);
    assert.deepEqual(
      pieces.filter((piece) => piece.length > 8 && !isKnown(piece)),
      [],
    );
    assert.ok(pieces.length > 60, String(pieces.length));
  });
});
