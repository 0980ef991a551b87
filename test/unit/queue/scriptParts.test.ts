// Lua scripts have no imports: after a part is included, its names are there for all later parts. So each file says at
// its head which names it takes from which part. The keys, which all scripts use, are left out.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const root = join(import.meta.dirname, "../../../queue/scripts");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const parts = globSync("includes/*.lua", { cwd: root }).map((file) => basename(file, ".lua"));
const all = (text: string, what: RegExp) => [...text.matchAll(what)].map((match) => match.slice(1));
const list = (names: string) => names.split(/,\s*/).map((name) => name.trim());

/** Names by part, as a file says at its head. */
function told(text: string): Map<string, string[]> {
  const included = all(text, /^--- @include "([\w-]+)"(?:: (.*))?$/gm);
  const needed = all(text, /^--- @needs (.*)$/gm).join();
  const pairs = [...included, ...all(needed, /([\w-]+) \(([^)]*)\)/g)];
  return new Map(pairs.map(([part, names = ""]) => [part!, names === "" ? [] : list(names).sort()]));
}

const exportsOf = (part: string) =>
  all(read(`includes/${part}.lua`), /^local (?:function (\w+)|([\w, ]+?)(?: =|$))/gm).flatMap(([name, names]) =>
    name ? [name] : list(names!),
  );

/** Names that a text uses and does not define. */
function usesOf(text: string): Set<string> {
  const code = text.replaceAll(/--.*$/gm, "").replaceAll(/'[^'\n]*'/g, "''");
  const made = [
    ...all(code, /\blocal (?!function)([\w, ]+)/g),
    ...all(code, /\bfor ([\w, ]+?) (?:in|=)/g),
    ...all(code, /\bfunction \w*\(([\w, ]*)\)/g),
    ...all(code, /\blocal function (\w+)/g),
  ].flatMap(([names]) => list(names!));
  const used = all(code, /(?<![.\w])([A-Za-z_]\w*)(?!\w|\s*=[^=])/g).map(([name]) => name!);
  return new Set(used.filter((name) => !made.includes(name)));
}

/** Comments of Lua and shell scripts: lint reads only TypeScript. */
const COMMENT_WIDTH = 120;

describe("comments of scripts", () => {
  const repository = join(root, "../..");
  const exclude = (name: string) => /node_modules|^dist|(^|\/)\./.test(name);
  for (const file of globSync("**/*.{lua,sh}", { cwd: repository, exclude }).sort()) {
    it(`have at most ${COMMENT_WIDTH} columns: ${file}`, () => {
      const lines = readFileSync(join(repository, file), "utf8").split("\n");
      const wide = lines.filter((line) => /^\s*(--|#)/.test(line) && line.length > COMMENT_WIDTH);
      assert.deepEqual(wide, []);
    });
  }
});

describe("the scripts", () => {
  for (const file of globSync("**/*.lua", { cwd: root }).sort()) {
    it(`say which names they take from which part: ${file}`, () => {
      const text = read(file);
      const isPart = file.startsWith("includes/");
      const heads = told(text);
      const uses = usesOf(text);
      const others = parts.filter((part) => part !== "keys" && file !== `includes/${part}.lua`);
      const candidates = isPart ? others : others.filter((part) => heads.has(part));
      // Two parts may define the same name. Then the file says from which of them it takes it.
      const found = candidates.flatMap((part) => {
        const names = exportsOf(part).filter((name) => uses.has(name) && (part !== "seeding" || !isPart));
        return names.length > 0 || heads.has(part) ? [[part, names.sort()] as const] : [];
      });
      heads.delete("keys");
      assert.deepEqual(Object.fromEntries(heads), Object.fromEntries(found));
    });
  }
});
