import assert from "node:assert/strict";
import { advised, LastWords } from "../../../worker/processes/lastWords.ts";

const ADVICE = "(only /tmp and the volumes of `claims` can be written)";
const wordsOf = (...lines: string[]) => {
  const words = new LastWords();
  for (const line of lines) words.add(line);
  return words;
};

describe("a program's last words", () => {
  it("say where a program may write that wrote beside itself, whatever it said after that", () => {
    for (const line of [
      "sh: 1: cannot create out.txt: Read-only file system",
      "OSError: [Errno 30] Read-only file system: 'out.txt'",
      "Error: EROFS: read-only file system, open 'out.txt'",
      "panic: open out.txt: read-only file system",
    ])
      assert.equal(wordsOf(line).text, `${line} ${ADVICE}`);
    const curl = wordsOf(
      "Warning: Failed to open the file x: Read-only file system",
      "curl: (23) Failure writing output",
    );
    assert.equal(curl.text, `curl: (23) Failure writing output ${ADVICE}`);
    curl.clear();
    curl.add("no such host");
    assert.equal(curl.text, "no such host");
  });

  it("say as whom it runs that may not touch a file, and nothing of other rights", () => {
    const as = `(it runs as user ${process.getuid!()}; \`runAsUser\` chooses another)`;
    for (const line of [
      "cat: /home/app/model.bin: Permission denied",
      "PermissionError: [Errno 13] Permission denied: '/home/app/model.bin'",
      "Error: EACCES: permission denied, open '/home/app/model.bin'",
    ])
      assert.equal(wordsOf(line).text, `${line} ${as}`);
    for (const line of ["git@host: Permission denied (publickey).", "ERROR:  permission denied for table orders"])
      assert.equal(wordsOf(line).text, line);
  });

  it("of a handler have it in the line that it is about", () => {
    const error = "EROFS: read-only file system, open 'out.txt'\n    at open (node:fs:1:2)";
    assert.equal(advised(error), `EROFS: read-only file system, open 'out.txt' ${ADVICE}\n    at open (node:fs:1:2)`);
    assert.equal(advised("no such page"), "no such page");
  });
});
