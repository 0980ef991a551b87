import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { listNotes, locate, takeOver, writeNote } from "../../../../cli/run/runs.ts";

const module = join(import.meta.dirname, "../../../../cli/run/runs.ts");
const note = { name: "wq-1a2b3c", namespace: "n", items: 3, startedAt: 1, command: "true" };

describe("the folder of runs", () => {
  let home: string;
  const earlier = process.env.WQ_RUN_HOME;
  beforeEach(() => (home = process.env.WQ_RUN_HOME = mkdtempSync(join(tmpdir(), "wq-runs-"))));
  afterEach(() => {
    if (earlier === undefined) delete process.env.WQ_RUN_HOME;
    else process.env.WQ_RUN_HOME = earlier;
    rmSync(home, { recursive: true });
  });
  const mode = (path: string) => (statSync(join(home, path)).mode & 0o777).toString(8);

  it("has one passphrase, made once, which only the user may read, also where two runs make it", async () => {
    const program = `const { locate } = await import(${JSON.stringify(module)});
      console.log(locate("a" + process.pid).env.PULUMI_CONFIG_PASSPHRASE);`;
    const ask = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    const said = new Set((await Promise.all([ask(), ask(), ask(), ask()])).map(({ stdout }) => stdout.trim()));
    assert.deepEqual([...said], [readFileSync(join(home, "passphrase"), "utf8")]);
    assert.match([...said][0]!, /^[0-9a-f]{48}$/);
    assert.equal(locate("later").env.PULUMI_CONFIG_PASSPHRASE, [...said][0]);
    assert.deepEqual([mode("passphrase"), mode("stacks"), mode("runs")], ["600", "700", "700"]);
    assert.deepEqual(readdirSync(home).sort(), ["passphrase", "runs", "stacks"]);
  });

  it("has no half notes of a run that was killed as it noted itself", () => {
    writeNote(note);
    const folder = join(home, "runs", note.name);
    writeFileSync(join(folder, "run.json.1"), '{"name": "wq');
    assert.deepEqual(readdirSync(folder).sort(), ["run.json", "run.json.1"]);
    assert.equal(listNotes().length, 1);
  });

  it("gives a run to one command at a time, and one of an earlier version to any", () => {
    writeNote(note);
    assert.throws(() => takeOver(note.name), {
      name: "UserError",
      message: `wq-1a2b3c is followed by process ${process.pid}: press Ctrl-C there, or wait for its end`,
    });
    writeFileSync(join(home, "runs", note.name, "run.json"), JSON.stringify(note));
    assert.deepEqual(takeOver(note.name).output, { command: [], places: [] });
    assert.throws(() => takeOver(note.name), /is followed by process/);
  });
});
