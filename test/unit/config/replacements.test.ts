import assert from "node:assert/strict";
import { fieldPlace, replacer, wrongReplacement } from "../../../config/replacements.ts";

describe("an item in the arguments of a command", () => {
  const table: [argument: string, item: string, expected: string][] = [
    ["{}", "a b/c.txt", "a b/c.txt"],
    ["{}", "", ""],
    ["--in={}", "x", "--in=x"],
    ["{}-{}", "x", "x-x"],
    ["{}", "$(rm -rf /); `id` \"'", "$(rm -rf /); `id` \"'"],
    ["{}", "{.} $& {/}", "{.} $& {/}"],
    ["{.}", "photos/a.tar.gz", "photos/a.tar"],
    ["{.}", "photos.d/a", "photos.d/a"],
    ["{.}", ".bashrc", ".bashrc"],
    ["{.}.png", "photos/a.jpg", "photos/a.png"],
    ["{/}", "photos/2026/a.jpg", "a.jpg"],
    ["{/}", "a.jpg", "a.jpg"],
    ["{//}", "photos/2026/a.jpg", "photos/2026"],
    ["{//}", "a.jpg", "."],
    ["{//}", "/a.jpg", "/"],
    ["{/.}", "photos/2026/a.tar.gz", "a.tar"],
    ["{/.}", "photos.d/a", "a"],
    ["{#}", "x", "7"],
    ["out/{#}-{/.}.png", "photos/a.jpg", "out/7-a.png"],
    ["{url}", '{"url":"http://x/","n":3}', "http://x/"],
    ["{n}", '{"url":"http://x/","n":3}', "3"],
    ["{tags}", '{"tags":["a"]}', '["a"]'],
    ["{other}", '{"n":3}', "{other}"],
    ["{toString}", '{"n":3}', "{toString}"],
    ["{url}", "no JSON", "{url}"],
    ["{1}-{2}", '["a",3]', "a-3"],
    ["{3}", '["a",3]', "{3}"],
    ["{0}", '["a",3]', "{0}"],
    ["{1}", "[draft] a", "{1}"],
    ["x{2}", "a", "x{2}"],
    ["{print $1}", '{"print":1}', "{print $1}"],
    ["{ }", "x", "{ }"],
  ];
  for (const [argument, item, expected] of table)
    it(`${argument} of ${item || '""'} is ${expected || '""'}`, () => {
      assert.deepEqual(replacer(["program", argument])(item, 7), ["program", expected]);
    });

  it("may have a place for a field of the item, in a word that is not code", () => {
    const table: [command: string[], place: string | undefined][] = [
      [["resize", "--in={url}", "{w}"], "{url}"],
      [["resize", "{}", "{/.}.png", "{1}", "{#}"], undefined],
      [["awk", "{print}"], undefined],
      [["sh", "-c", "echo ${x} {item}", "{item}"], "{item}"],
    ];
    for (const [command, place] of table) assert.equal(fieldPlace(command), place);
  });

  it("is no variable, and a command has no operators, if no shell reads them", () => {
    const none = (word: string) => `no "${word}", since no shell reads it: write ["sh", "-c", "…"]`;
    const table: [command: string[], wrong: string | undefined][] = [
      [["python3", "process.py", "$ITEM"], 'no $ITEM in "$ITEM", which no shell reads: write {}'],
      [["convert", "--in=${ITEM}"], 'no ${ITEM} in "--in=${ITEM}", which no shell reads: write {}'],
      [["cat", "{}", "|", "wc", "-l"], none("|")],
      [["./run", "{}", ">", "out.txt"], none(">")],
      [["./run", "2>&1"], none("2>&1")],
      [["sh", "-c", "echo $ITEM | wc"], undefined],
      [["timeout", "5", "bash", "-c", "$ITEM"], undefined],
      [["eval.sh", "echo $ITEM"], undefined],
      [["echo", "$ITEMS", "$$", "{}"], undefined],
      [["cut", "-d", "|", "-f1"], undefined],
      [["/usr/bin/expr", "{}", "|", "0"], undefined],
    ];
    for (const [command, wrong] of table) assert.equal(wrongReplacement(command), wrong, command.join(" "));
  });

  it("is refused in code, which is never replaced", () => {
    const where = "where an item could run as code:";
    const inPython = 'write os.environ["ITEM"], or { }';
    const read = "read the variable ITEM";
    for (const [command, name, option, advice = 'write "$ITEM"'] of [
      [["sh", "-c", "echo {}"], "{}", "-c"],
      [["/bin/bash", "-ec", "mv {} {.}.old"], "{}", "-ec"],
      [["timeout", "5", "bash", "-x", "-c", "echo {/}"], "{/}", "-c"],
      [["sh", "-c", "echo {#}", "{}"], "{#}", "-c"],
      [["python3.12", "-uc", "seen = {}"], "{}", "-uc", inPython],
      [["env", "node", "-e", "f({})"], "{}", "-e", "write process.env.ITEM, or { }"],
      [["perl", "-ne", "print {}"], "{}", "-ne", read],
      [["php", "-r", "f({});"], "{}", "-r", read],
      [["julia", "--eval", "f({})"], "{}", "--eval", read],
      [["R", "-e", "f({})"], "{}", "-e", read],
      [["deno", "eval", "f({})"], "{}", "eval", "write process.env.ITEM, or { }"],
      [["su", "nobody", "-c", "echo {}"], "{}", "-c"],
      [["jq", "-c", "{}"], "{}", "-c", `${read}, or write { }`],
    ] as const)
      assert.equal(wrongReplacement([...command]), `no ${name} in the text after "${option}", ${where} ${advice}`);
    for (const command of [
      ["sh", "-c", 'echo "$1"', "sh", "{}"],
      ["sh", "-c", "echo ${#} ${x} {a,b}"],
      ["gzip", "-c", "{}"],
      ["sh", "script.sh", "{}"],
      ["python3", "-u", "process.py", "-c", "{}"],
      ["sh", "run.sh", "-c", "{}"],
      ["python3", "-c", 'import os; d = { }; print(f"{d}")'],
      ["node", "--enable-source-maps", "main.js", "{}"],
      ["jq", ".a", "{}"],
      ["awk", "{print}", "{}"],
    ])
      assert.equal(wrongReplacement(command), undefined, command.join(" "));
    const item = '{"x":"; id"}';
    assert.deepEqual(replacer(["sh", "-c", "echo ${x}", "{x}"])(item, 1), ["sh", "-c", "echo ${x}", "; id"]);
    for (const command of [
      ["jq", "{x}"],
      ["python3", "-c", 'print(f"{x}")'],
    ])
      assert.deepEqual(replacer(command)(item, 1), command);
  });
});
