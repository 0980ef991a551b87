// Full run only: the packages of a handler in Python, which Debian's pip installs in a pod.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { debianPackage } from "../../support/debianPackage.ts";
import { checkout } from "../../support/checkout.ts";
import { environment, onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const baseImage = `127.0.0.1:5000/own/python-${process.pid}:1`;

const WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/peeler-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("peeler/__init__.py", "def peel(item): return 'peeled ' + item")
    info = "peeler-1.0.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: peeler\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
`;

describe("the requirements of a handler in Python", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-python-"));
  const { project, remove } = checkout();
  const stack = new TestStack(
    {
      imageName: undefined,
      baseImage,
      handler: "work.py",
      requirements: "requirements.txt",
      files: "wheels",
      items: ["apple", "fig"],
      parallelism: 1,
    },
    { project },
  );

  onPlatform(async () => {
    const tree = await debianPackage("trixie", "python3-pip");
    cpSync(join(tree, "usr/lib/python3/dist-packages/pip"), join(dir, "pip"), { recursive: true });
    writeFileSync(
      join(dir, "Dockerfile"),
      "FROM 127.0.0.1:5000/library/python:3-slim\nCOPY pip /usr/lib/python3/dist-packages/pip\n",
    );
    const env = environment();
    await execa("docker", ["build", "-t", baseImage, dir], { env });
    await execa("docker", ["push", baseImage], { env });
    mkdirSync(join(project, "wheels"));
    await execa("python3", ["-c", WHEEL, join(project, "wheels")]);
    writeFileSync(join(project, "requirements.txt"), "peeler==1.0\n");
    writeFileSync(
      join(project, "work.py"),
      "import peeler\nfrom fruit import named\n\ndef handle(item, context):\n    return peeler.peel(named(item))\n",
    );
    writeFileSync(join(project, "fruit.py"), "def named(item):\n    return item\n");
    await stack.init();
  });
  after(async () => {
    await stack.remove();
    await execa("docker", ["rmi", baseImage], { env: environment(), reject: false });
    rmSync(dir, { recursive: true });
    remove();
  });

  it("are installed in the pod, from wheels in `files`", async () => {
    await stack.mustUp();
    const { out } = await stack.wq("results", "--json");
    const results = out.split("\n").map((line) => (JSON.parse(line) as { result: string }).result);
    assert.deepEqual(results, ["peeled apple", "peeled fig"]);
  });

  it("that exist nowhere are reported while `up` waits, and end it", async () => {
    writeFileSync(join(project, "requirements.txt"), "no-such-package-of-anybody==1.0\n");
    stack.set({ run: "2" });
    const up = stack.start("up", "--yes", "--skip-preview");
    let text = "";
    up.all.on("data", (data: Buffer) => (text += String(data)));
    while (!/warning: .*no-such-package-of-anybody/.test(text)) await sleep(500);
    const { exitCode, all } = await up;
    assert.notEqual(exitCode, 0, all);
    assert.match(all, /error: Pod job-wq-2-\S+ cannot install `requirements`: .*no-such-package-of-anybody/);
  });
});
