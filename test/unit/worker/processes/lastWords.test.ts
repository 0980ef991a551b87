import assert from "node:assert/strict";
import { advised } from "../../../../worker/processes/advice.ts";
import { endOf, LastWords } from "../../../../worker/processes/lastWords.ts";

const ADVICE = "(only /tmp and the volumes of `claims` can be written)";
const wordsOf = (...lines: string[]) => {
  const words = new LastWords();
  for (const line of lines) words.add(line);
  return words;
};

describe("a program's last words", () => {
  it("take no longer for a long line, even if it looks like a stack or like advice", () => {
    /** The shortest of several times: single ones are disturbed. */
    const time = (line: string) => {
      const times = Array.from({ length: 5 }, () => {
        const since = performance.now();
        wordsOf(line);
        return performance.now() - since;
      });
      return Math.min(...times);
    };
    const length = 16 * 1024;
    const plain = Math.max(1, time("x".repeat(length)));
    for (const word of ["(", "ENOENT ", "()"]) {
      const took = time(word.repeat(length / word.length));
      assert.ok(took < 100 * plain, `${word}: ${took} and ${plain} ms`);
    }
  });

  it("tell a program that writes into its own folder where it may write, whatever it printed later", () => {
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

  it("tell the user id if rights to a file are missing, and nothing for other missing rights", () => {
    const as = `(it runs as user ${process.getuid!()}; \`runAsUser\` chooses another)`;
    for (const line of [
      "cat: /home/app/model.bin: Permission denied",
      "PermissionError: [Errno 13] Permission denied: '/home/app/model.bin'",
      "Error: EACCES: permission denied, open '/home/app/model.bin'",
      "KeyError: 'getpwuid(): uid not found: 1000'",
    ])
      assert.equal(wordsOf(line).text, `${line} ${as}`);
    for (const line of ["git@host: Permission denied (publickey).", "ERROR:  permission denied for table orders"])
      assert.equal(wordsOf(line).text, line);
  });

  it("tell where files of a handler belong, and how much shared memory there is", () => {
    for (const line of [
      "Error: ENOENT: no such file or directory, open '/job-wq-2/code/bin/labels.json'",
      "Error: Cannot find module '/job-wq-2/code/bin/thread.ts'",
      "FileNotFoundError: [Errno 2] No such file or directory: '/job-wq-2/code/bin/handler/labels.json'",
    ])
      assert.equal(
        advised(line),
        `${line} (only a handler's code comes with it: other files belong into \`files\`, or into a \`baseImage\`)`,
      );
    const lacking = "ModuleNotFoundError: No module named 'requests'";
    assert.equal(wordsOf(lacking).text, `${lacking} (\`requirements\` names the packages to install)`);
    const full = "OSError: [Errno 28] No space left on device: '/dev/shm/x'";
    assert.equal(advised(full), `${full} (\`sharedMemory\` sets the size of /dev/shm)`);
    const bus = "python3 was ended by SIGBUS, perhaps out of shared memory (`sharedMemory`)";
    assert.equal(endOf("python3", null, "SIGBUS", ""), bus);
  });

  it("leave out lines that a language, or a program's launcher, prints after the reason", () => {
    const table: [reason: string, ...after: string[]][] = [
      ["Error in f(x) : no such column", "Calls: main -> f", "Execution halted"],
      ["ERROR: LoadError: no file", "Stacktrace:", " [1] main()", "in expression starting at /work/a.jl:1"],
      ["FATAL ERROR: JavaScript heap out of memory", "----- Native stack trace -----", "", " 1: 0xe1 node::Abort()"],
      [
        "ValueError: no peel",
        "npm error Lifecycle script `work` failed with error:",
        "npm error code 1",
        "npm error path /app",
        "npm error command sh -c x",
        "npm error A complete log of this run can be found in: /tmp/x",
      ],
      [
        'npm error Missing script: "work"',
        "npm error",
        "npm error To see a list of scripts, run:",
        "npm error   npm run",
      ],
      [
        "no peel",
        "error Command failed with exit code 1.",
        "info Visit https://yarnpkg.com/en/docs/cli/run for documentation",
      ],
      ["no peel", "make[1]: *** [Makefile:2: all] Error 1", "make: *** [Makefile:1: x] Error 2"],
      ["make: *** No rule to make target 'x'.  Stop."],
      ["no peel", "", "ERROR conda.cli.main_run:execute(41): `conda run python x.py` failed. (See above for error)"],
      ["error: no peel", "      at f (/a.ts:1:2)", "", "Bun v1.2.3 (Linux x64)"],
    ];
    for (const [reason, ...after] of table) assert.equal(wordsOf("before", reason, ...after).text, reason);
  });

  it("of a handler have the advice at the end of the line that needs it", () => {
    const error = "EROFS: read-only file system, open 'out.txt'\n    at open (node:fs:1:2)";
    assert.equal(advised(error), `EROFS: read-only file system, open 'out.txt' ${ADVICE}\n    at open (node:fs:1:2)`);
    assert.equal(advised("no such page"), "no such page");
  });
});
