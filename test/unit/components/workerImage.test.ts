import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type * as Components from "../../../components/index.ts";
import { inputsOf, registered, reset, startMocks, summary, valueOf } from "../../support/mockProgram.ts";

describe("WorkerImage", () => {
  let WorkerImage: typeof Components.WorkerImage;

  before(async () => {
    await startMocks();
    ({ WorkerImage } = await import("../../../components/index.ts"));
  });
  beforeEach(reset);

  const args = { imageName: "reg.example.com/you/x", handler: "worker/handler.ts" };

  it("runs by the digest that the push returned", async () => {
    const { image } = new WorkerImage("worker", { ...args, platform: "linux/arm64" });
    assert.equal(await valueOf(image.reference), `reg.example.com/you/x@sha256:${"a".repeat(64)}`);
    assert.equal(image.pullPolicy, undefined);
    const { build, skipPush, registry } = inputsOf("worker-image");
    assert.equal(skipPush, false);
    assert.equal(registry, undefined);
    const { context } = build;
    assert.match(context, /^\.job-wq-2\/worker-[0-9a-f]{16}$/);
    assert.deepEqual(build, {
      context,
      dockerfile: `${context}/Dockerfile`,
      platform: "linux/arm64",
      network: "none",
      args: { BASE_IMAGE: "node:24-slim", NODE_IMAGE: "node:24-slim", KIND: "node" },
    });
  });

  it("puts no path of this machine into the workers' settings", () => {
    const handlerOf = (handler: string) => new WorkerImage("worker", { handler }).handler;
    assert.equal(handlerOf(resolve("worker/handler.ts")), "worker/handler.ts");
    assert.equal(handlerOf("./worker/handler.ts"), "./worker/handler.ts");
  });

  it("runs by its name if nothing is pushed, and adds Node.js to a base without it", async () => {
    const { image } = new WorkerImage("worker", { ...args, push: false, baseImage: "python:3-slim" });
    await registered();
    assert.deepEqual([image.reference, image.pullPolicy], ["reg.example.com/you/x", "IfNotPresent"]);
    assert.equal(inputsOf("worker-image").build.args.KIND, "other");
  });

  it("adds a Node.js to a base whose Node.js is too old", async () => {
    const nodeOf = (baseImage: string) => new WorkerImage("w", { handler: "worker/handler.ts", baseImage }).image.node;
    for (const own of ["node", "node:22-slim", "docker.io/library/node:lts-alpine", "me/node@sha256:" + "0".repeat(64)])
      assert.deepEqual(nodeOf(own), ["node"], own);
    for (const other of ["node:20", "node:18.20-bookworm-slim", "node:8", "me/node-tools:24", "python:3-slim"])
      assert.equal(nodeOf(other)[0], "/job-wq-2/node/start", other);
    await registered();
  });

  it("builds nothing for a ready-made one", async () => {
    const { image, build } = new WorkerImage("worker", { image: "ghcr.io/you/x:1" });
    await registered();
    const { node, ...reference } = image;
    assert.deepEqual(reference, { reference: "ghcr.io/you/x:1", id: "ghcr.io/you/x:1", entrypoint: false });
    assert.deepEqual([node[0], build], ["/job-wq-2/node/start", undefined]);
  });

  it("builds nothing without a name: the code travels in a ConfigMap, whose name changes with the code", async () => {
    const { code, reference } = new WorkerImage("worker", { handler: "worker/handler.ts" }).image;
    const other = new WorkerImage("worker", { handler: "worker/handler.ts", files: "worker" }).image;
    await registered();
    assert.deepEqual(summary(), ["WorkerImage worker = -", "WorkerImage worker = -"]);
    assert.equal(reference, "node:24-slim");
    assert.ok(code!.files.some(({ path }) => path === "code/bin/handler.js"));
    assert.notEqual(other.code!.digest, code!.digest);
  });

  it("runs on the base image that a digest names, with its own Node.js", async () => {
    const baseImage = `node:24-slim@sha256:${"0".repeat(64)}`;
    const { reference, node } = new WorkerImage("worker", { handler: "worker/handler.ts", baseImage }).image;
    await registered();
    assert.deepEqual([reference, node], [baseImage, ["node"]]);
  });

  it("refuses code that does not fit into a ConfigMap", () => {
    const dir = mkdtempSync(join(tmpdir(), "job-wq-2-files-"));
    writeFileSync(join(dir, "model.bin"), Buffer.alloc(1_200_000));
    assert.throws(() => new WorkerImage("worker", { handler: "worker/handler.ts", files: dir }), {
      message:
        /^WorkerImage worker: The code has 1\d{3} KiB \(files\/model.bin alone 1172 KiB\), and without an image at most 977 KiB can travel: set `imageName`, to build one and push it.$/,
    });
    rmSync(dir, { recursive: true });
  });

  it("copies requirements with the files that they name", async () => {
    const dir = mkdtempSync(join(tmpdir(), "job-wq-2-requirements-"));
    const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
    mkdirSync(join(dir, "more"));
    write("work.py", "def handle(item): pass");
    write(
      "packages.txt",
      "-r more/base.txt # the base\n--constraint=more/../pins.txt\n-r https://a.example/x.txt\nsix\n",
    );
    write("more/base.txt", "-r ../deep.txt\nnumpy\n");
    write("deep.txt", "pandas\n");
    write("pins.txt", "numpy<2\n");
    const image = (requirements: string) =>
      new WorkerImage("w", { handler: join(dir, "work.py"), requirements: join(dir, requirements) }).image;
    const files = image("packages.txt").code!.files.filter(({ path }) => path.endsWith("requirements.txt"));
    assert.deepEqual(Object.fromEntries(files.map(({ path, content }) => [path, String(content)])), {
      "code/requirements.txt":
        "-r 1-requirements.txt # the base\n--constraint 2-requirements.txt\n-r https://a.example/x.txt\nsix\n",
      "code/1-requirements.txt": "-r 1-1-requirements.txt\nnumpy\n",
      "code/1-1-requirements.txt": "pandas\n",
      "code/2-requirements.txt": "numpy<2\n",
    });
    write("packages.txt", "-r gone.txt");
    assert.throws(() => image("packages.txt"), { message: /to name files that exist, and there is no .*gone\.txt\.$/ });
    write("pyproject.toml", "[project]");
    assert.throws(() => image("pyproject.toml"), {
      message: /to be a list for pip, got .*pyproject\.toml: `uv export`/,
    });
    await registered();
    rmSync(dir, { recursive: true });
  });

  it("never repeats a secret argument that cannot be used", () => {
    const login = { registryUsername: "u", registryPassword: ["hunter2"] as never };
    assert.throws(() => new WorkerImage("worker", { handler: "worker/handler.ts", ...login }), {
      message: "WorkerImage worker: Expected `registryPassword` to be a text, got something else.",
    });
  });

  it("has a build context of its own, with the same bytes and modes under any umask", async () => {
    const { stageWorker } = await import("../../../components/image/buildContext.ts");
    const files = { handler: "worker/handler.ts", files: "examples/python/files" };
    const context = stageWorker("umask", files);
    rmSync(context, { recursive: true });
    const old = process.umask(0o077);
    try {
      assert.equal(stageWorker("umask", files), context);
    } finally {
      process.umask(old);
    }
    assert.equal(statSync(`${context}/code/bin/worker.js`).mode & 0o777, 0o644);
    for (const file of [
      "code/bin/runner.js",
      "code/bin/seed.js",
      "code/bin/supervisor.js",
      "code/bin/handler.js",
      "code/scripts/ack-and-reserve.lua",
    ])
      assert.ok(existsSync(`${context}/${file}`), file);
  });

  const top = mkdtempSync(join(tmpdir(), "job-wq-2-image-"));
  after(() => rmSync(top, { recursive: true }));
  const tmp = () => mkdtempSync(join(top, "files-"));
  const refused: [title: string, file: string, text: string, message: RegExp][] = [
    [
      "of another kind",
      "work.rb",
      "",
      /^WorkerImage w: Expected `handler` to be a file of TypeScript, JavaScript or Python; anything else is a `command`, got ".*work\.rb"\.$/,
    ],
    [
      "in Python that does not compile",
      "work.py",
      "def handle(item, context):\n  x = 1\n    return x\n",
      /^WorkerImage w: .*work\.py does not compile: line 3: IndentationError: unexpected indent\.$/,
    ],
    [
      "in Python that has nothing to call",
      "work.py",
      "print(1)",
      /^WorkerImage w: .*work\.py has no function `handle`: it needs `def handle\(item, context\):`\.$/,
    ],
  ];
  for (const [title, file, text, message] of refused) {
    it(`refuses a handler ${title}`, () => {
      const handler = join(tmp(), file);
      writeFileSync(handler, text);
      assert.throws(() => new WorkerImage("w", { handler }), { message });
    });
  }

  it("runs a handler in Python in an image of Python, with its packages", async () => {
    const handler = join(tmp(), "work.py");
    const requirements = join(tmp(), "packages.txt");
    writeFileSync(handler, "def handle(item, context): pass");
    writeFileSync(requirements, "six");
    const { image } = new WorkerImage("w", { handler, requirements });
    assert.equal(image.reference, "python:3-slim");
    const paths = image.code!.files.map(({ path }) => path);
    for (const path of [
      "bin/handler/work.py",
      "bin/python/run.py",
      "bin/python/wq.py",
      "bin/python/wq_answers.py",
      "requirements.txt",
    ])
      assert.ok(paths.includes(`code/${path}`), path);
  });

  it("refuses a pipe among the files, whose copy would never end", () => {
    const files = tmp();
    execFileSync("mkfifo", [join(files, "pipe")]);
    assert.throws(() => new WorkerImage("w", { files }), {
      message: `The image cannot be made: ${join(files, "pipe")} is neither a file nor a folder (a pipe, a socket, a device).`,
    });
  });

  it("copies the modules beside a handler in Python that it imports, and no others", () => {
    const dir = tmp();
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
    };
    write("work.py", "import json, tools as t\nfrom shop.prices import price\ndef handle(item):\n  import late\n");
    write("tools.py", "import deeper\nimport work\n");
    write("deeper.py", "");
    write("late.py", "");
    write("other.py", "");
    write("shop/__init__.py", "");
    write("shop/prices.py", "from . import tax\nimport common");
    write("shop/rates.json", "{}");
    write("shop/__pycache__/x.pyc", "");
    write("common.py", "");
    const { image } = new WorkerImage("w", { handler: join(dir, "work.py") });
    const paths = image.code!.files.map(({ path }) => path).filter((path) => path.startsWith("code/bin/handler/"));
    assert.deepEqual(
      paths.map((path) => path.slice(17)),
      [
        "common.py",
        "deeper.py",
        "late.py",
        "shop/__init__.py",
        "shop/prices.py",
        "shop/rates.json",
        "tools.py",
        "work.py",
      ],
    );
  });

  it("writes a registry's login as a docker config, Docker Hub under its own key", async () => {
    const { dockerConfig } = await import("../../../components/image/pullSecret.ts");
    const login = { username: "me", password: "pw", auth: "bWU6cHc=" };
    assert.deepEqual(JSON.parse(dockerConfig("ghcr.io", "me", "pw")), { auths: { "ghcr.io": login } });
    const { auths } = JSON.parse(dockerConfig("docker.io", "me", "pw")) as { auths: object };
    assert.deepEqual(Object.keys(auths), ["https://index.docker.io/v1/"]);
  });
});
