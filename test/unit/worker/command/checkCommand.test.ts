import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkCommand, NotInImage } from "../../../../worker/command/checkCommand.ts";

describe("a command", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-command-"));
  after(() => rmSync(dir, { recursive: true }));
  const script = (name: string, content: string, mode = 0o755) => {
    const path = join(dir, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };

  it("that can be run passes", () => {
    for (const program of [
      "sh",
      "/bin/sh",
      script("fine.sh", "#!/bin/sh\n"),
      script("env", "#! /usr/bin/env -S sh -e\n"),
      script("env-u", "#! /usr/bin/env -u A x\n"),
      script("env-s", "#!/usr/bin/env -S AB=1 x"),
    ])
      checkCommand([program]);
    for (const args of [
      ["-c", ". ./no.sh"],
      ["-c", "no.sh"],
      ["-e", join(dir, "fine.sh")],
      [join(dir, "fine.sh"), "no.sh"],
    ])
      checkCommand(["sh", ...args]);
  });

  it("passes if a folder in PATH cannot be read, like one of root's", () => {
    symlinkSync("loop", join(dir, "loop")); // root, who runs the tests, cannot read it either
    const { PATH } = process.env;
    process.env.PATH = `${join(dir, "loop")}:${PATH}`;
    try {
      checkCommand(["sh"]);
      assert.throws(() => checkCommand(["no-such-program"]), /^Error: the command no-such-program is not in the image/);
    } finally {
      process.env.PATH = PATH;
    }
  });

  it("that cannot be run is reported with its reason, before any item", () => {
    mkdirSync(join(dir, "folder"));
    const table: [program: string, reason: RegExp][] = [
      ["no-such-program", /^the command no-such-program is not in the image: set `baseImage`/],
      [join(dir, "folder"), /^the command \S+folder is not in the image/],
      [
        script("mode.sh", "#!/bin/sh\n", 0o644),
        /mode\.sh is not a program: `chmod \+x`, or .* like \["sh", "\S+mode\.sh"\]$/,
      ],
      [script("windows.sh", "#!/bin/sh\r\n"), /windows\.sh has Windows line ends, .*: `dos2unix`$/],
      [script("env.sh", "#!/usr/bin/env bash\r\n"), /env\.sh has Windows line ends, .*: `dos2unix`$/],
      [script("env.py", "#! /usr/bin/env -S x -v\n"), /env\.py needs x, which is not in the image$/],
      [script("ruby.sh", "#!/no/such/ruby -w\n"), /ruby\.sh needs \/no\/such\/ruby, which is not in the image$/],
    ];
    for (const [program, message] of table)
      assert.throws(
        () => checkCommand([program]),
        (error: Error) => error instanceof NotInImage && message.test(error.message),
        program,
      );
    const cwd = process.cwd();
    process.chdir(dir);
    try {
      script("work.py", "print(1)\n");
      assert.throws(() => checkCommand(["work.py"]), {
        message:
          'the command work.py is a file of the working directory, and not in PATH: write "./work.py", or what runs it in front, like "python3"',
      });
      // The path as it is in the checkout.
      assert.throws(() => checkCommand(["python3", "worker/files/work.py"]), {
        message: `the command's worker/files/work.py is not in the image, seen from ${process.cwd()}: there it is work.py`,
      });
    } finally {
      process.chdir(cwd);
    }
    assert.throws(() => checkCommand(["python3", "-u", "process.py", "{}"]), {
      message: `the command's process.py is not in the image, seen from ${process.cwd()}: files of your own belong into \`files\``,
    });
  });
});
