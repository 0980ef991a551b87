// Full run only: images that few users bring.
// An image of the user's, without a C library: its program sees what it would see under `docker run`.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { debianPackage } from "../../support/debianPackage.ts";
import { environment, onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const baseImage = `127.0.0.1:5000/own/app-${process.pid}:1`;
const other = `127.0.0.1:5000/own/app-${process.pid}:2`;

/** Nothing but a static busybox, a program in /app, and variables. */
const DOCKERFILE = `
FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY main.sh entry.sh package.json /app/
ENV PATH=/opt/tools:/bin LD_LIBRARY_PATH=/opt/vendor/lib NODE_OPTIONS=--no-warnings HOME=/opt/models
WORKDIR /app
ENTRYPOINT ["/bin/sh", "/app/entry.sh"]
`;
/** An ENTRYPOINT as images with conda have it: it sets up variables for the program that it starts. */
const ENTRY = 'export TOOLS=active; exec "$@"';
const MAIN = 'echo "$1 in $PWD: $PATH $LD_LIBRARY_PATH $NODE_OPTIONS $HOME"';

describe("an image of the user's making", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-image-"));
  const stack = new TestStack({ imageName: undefined, baseImage, items: ["a"], parallelism: 1 });

  onPlatform(async () => {
    cpSync(join(await debianPackage("bookworm", "busybox-static"), "bin/busybox"), join(dir, "busybox"), {
      dereference: true,
    });
    writeFileSync(join(dir, "main.sh"), MAIN);
    writeFileSync(join(dir, "entry.sh"), ENTRY);
    writeFileSync(join(dir, "package.json"), '{"type":"commonjs"}');
    writeFileSync(join(dir, "Dockerfile"), DOCKERFILE);
    for (const args of [
      ["build", "-t", baseImage, dir],
      ["push", baseImage],
    ])
      await execa("docker", args, { env: environment() });
    await stack.init();
  });
  after(async () => {
    await stack.remove();
    await execa("docker", ["rmi", baseImage, other], { env: environment(), reject: false });
    rmSync(dir, { recursive: true });
  });

  const SEEN = "a in /app: /opt/tools:/bin /opt/vendor/lib --no-warnings /opt/models";
  const command = ["/bin/sh", "-c", '. ./main.sh "$ITEM"'];
  const result = async () => (JSON.parse((await stack.wq("results", "--json")).out) as { result: unknown }).result;

  it("runs as it is, in its own working directory, with its own variables", async () => {
    await stack.mustUp({ command: ["/bin/sh", "main.sh", "a"] });
    assert.equal(await result(), SEEN);
  });

  it("takes dollars in `command` and `env` as they stand", async () => {
    const say = `busybox printf '%s\\n' "$PASS" "$T" 'DO $$ BEGIN; END $$;' '$(WQ_NODE)'`;
    await stack.mustUp({ command: ["sh", "-c", say], env: { PASS: "pa$$word", T: "$(WQ_POD)" }, run: "2" });
    assert.equal(await result(), "pa$$word\n$(WQ_POD)\nDO $$ BEGIN; END $$;\n$(WQ_NODE)");
  });

  it("runs the command and `finish` through its ENTRYPOINT, with `entrypoint`", async () => {
    const say = ["sh", "-c", "echo tools $TOOLS"];
    await stack.mustUp({ command: say, env: undefined, run: "3" });
    assert.equal(await result(), "tools");
    await stack.mustUp({ finish: say, entrypoint: true, run: "4" });
    assert.equal(await result(), "tools active");
    assert.equal((await stack.pulumi("stack", "output", "finish")).text.trim(), "tools active");
  });

  it("has an ENTRYPOINT that runs something else: `up` says so", async () => {
    writeFileSync(join(dir, "entry.sh"), "echo usage: convert FILE");
    await execa("docker", ["build", "-t", other, dir], { env: environment() });
    await execa("docker", ["push", other], { env: environment() });
    const { text } = await stack.up({ baseImage: other, entrypoint: true, finish: undefined, run: "4b" });
    const line = /error: Pod job-wq-2-(\S+) ended without work: .*; it printed: usage: convert FILE/;
    assert.match(text, line);
    // With `finish`, the supervisor runs through it, too, and ends before `up` misses the workers' work.
    const finished = await stack.up({ finish: ["cat"] });
    assert.match(line.exec(finished.text)?.[1] ?? finished.text, /^supervisor-/);
    stack.set({ baseImage });
  });

  it("tells a program that writes into its own folder where it may write", async () => {
    await stack.up({
      command: ["sh", "-c", "echo x > out.txt"],
      entrypoint: false,
      finish: undefined,
      maxAttempts: 1,
      run: "5",
    });
    assert.match(
      (await stack.wq("failed")).out,
      /Read-only file system \(only \/tmp and the volumes of `claims` can be/,
    );
  });

  it("may be built on", async () => {
    await stack.mustUp({ imageName: `${baseImage.slice(0, -2)}-built`, command, run: "6" });
    assert.equal(await result(), SEEN);
  });
});
