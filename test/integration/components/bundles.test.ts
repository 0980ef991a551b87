// Handlers with packages of all kinds: bundled, then run in a folder without node_modules, as in a pod.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { execa } from "execa";
import { stageWorker } from "../../../components/image/buildContext.ts";
import { ConfigError } from "../../../config/parse.ts";

describe("a handler's bundle", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "job-wq-2-bundle-"))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  /** A package that is installed. */
  const install = (name: string, code: string, manifest: object = {}) => {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, ...manifest }));
    write(`node_modules/${name}/index.js`, code);
  };
  const stage = (handler: string) => {
    write("handler.ts", handler);
    return stageWorker(`bundle-test-${process.pid}`, { handler: join(dir, "handler.ts"), files: undefined });
  };
  /** The runner's answer for one item. */
  const answer = async (handler: string): Promise<Record<string, unknown>> => {
    const code = join(dir, "pod");
    cpSync(stage(handler), code, { recursive: true });
    const [runner, bundle] = ["runner", "handler"].map((name) => join(code, `code/bin/${name}.js`));
    const order = new TextEncoder().encode('{"id":1,"attempt":1,"item":"fig"}\n');
    const { stdio } = await execa(process.execPath, ["--enable-source-maps", runner!, bundle!, "handler.ts", "one"], {
      stdio: ["ignore", "pipe", "pipe", "pipe", order],
      cwd: code,
    });
    return JSON.parse(String(stdio[3]).split("\n").at(-1)!) as Record<string, unknown>;
  };
  const refused = (line: RegExp) => (error: Error) => error instanceof ConfigError && line.test(error.message);

  it("leaves out optional drivers that are not installed", async () => {
    const drivers = 'exports.open = (name) => name === "a" ? require("driver-a") : require("driver-b/lib");';
    install("queries", `${drivers} exports.quote = (text) => "'" + text + "'";`);
    const query = 'import { open, quote } from "queries"; export default (item: string) => ';
    assert.deepEqual(await answer(`${query} quote(item);`), { id: 1, result: "'fig'" });
    assert.match(String((await answer(`${query} open("b");`)).error), /^Cannot find module 'driver-b\/lib'/);
  });

  it("comes with programs that refuse an older Node.js in one line", async () => {
    const old = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })`;
    const code = resolve(stage("export default () => 1;"), "code/bin");
    for (const program of ["worker", "seed", "supervisor", "runner"]) {
      const args = ["--import", `data:text/javascript,${old}`, join(code, `${program}.js`)];
      const { exitCode, all } = await execa(process.execPath, args, { reject: false, all: true });
      assert.deepEqual([exitCode, all], [64, "Node.js 22 or newer is needed, and `nodeImage` has 20.1.0"], program);
    }
  });

  it("is refused if the handler itself imports what is not installed", () => {
    assert.throws(
      () => stage('import x from "no-such-package"; export default () => x;'),
      refused(/^The handler cannot be bundled: .*handler\.ts:1: Could not resolve "no-such-package"$/),
    );
  });

  const WHOLE = /handler\.ts imports pictures, which a bundle cannot hold whole .*`command` in a `baseImage` in which/;
  const native: [what: string, manifest: object][] = [
    ["binaries of platforms", { optionalDependencies: { "@pictures/linux-x64": "1" } }],
    ["a build of node-gyp", { gypfile: true }],
    ["prebuilt binaries", { dependencies: { "node-gyp-build": "4" } }],
  ];
  for (const [what, manifest] of native)
    it(`is refused with a package of ${what}, also by way of another package`, () => {
      install("pictures", "exports.scale = () => 1;", manifest);
      install("album", 'exports.show = require("pictures").scale;', { dependencies: { pictures: "1" } });
      for (const name of ["pictures", "album"])
        assert.throws(() => stage(`import * as x from "${name}"; export default () => x;`), refused(WHOLE));
    });

  it("leaves out native parts that a package does not need", async () => {
    install("faster", 'module.exports = require("./build/faster.node");', { gypfile: true });
    const code = 'let fast; try { fast = require("faster"); } catch {} exports.sort = () => fast ? "native" : "plain";';
    install("sorting", code, { optionalDependencies: { faster: "1" } });
    const handler = 'import { sort } from "sorting"; export default () => sort();';
    assert.deepEqual(await answer(handler), { id: 1, result: "plain" });
  });

  it("may be what TypeScript makes for CommonJS", async () => {
    const compiled = 'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = (item) => item;';
    assert.deepEqual(await answer(compiled), { id: 1, result: "fig" });
  });

  it("has the variables of CommonJS, beside those that a module declares itself", async () => {
    install("old", 'exports.here = () => [typeof __dirname, typeof __filename, typeof require("node:" + "fs")];');
    const handler = `import { createRequire } from "node:module";
      import { here } from "old";
      const require = createRequire(import.meta.url), __filename = "mine", __dirname = "own";
      export default () => [...here(), __filename, __dirname, typeof require("node:fs")];`;
    assert.deepEqual(await answer(handler), {
      id: 1,
      result: ["string", "string", "object", "mine", "own", "object"],
    });
  });

  it("names files and lines of the handler in stacks, and nothing of ours", async () => {
    write(
      "parse.ts",
      "type Item = { id: number };\n\nexport const parse = (text: string): Item =>\n  JSON.parse(text) as Item;\n",
    );
    const handler = `import { parse } from "./parse.ts";
interface Result { id: number }
export default async function handle(item: string): Promise<Result> {
  return parse(item);
}`;
    const { error } = await answer(handler);
    assert.match(
      String(error),
      /^Unexpected token .*\n +at JSON\.parse .*\n +at parse \(.*\/parse\.ts:4:8\)\n +at handle \(.*\/handler\.ts:4:10\)$/,
    );
  });
});
