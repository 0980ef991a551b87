// The package in programs of all kinds: CommonJS and ES modules, old and new module resolution.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { pack, root } from "../../support/checkout.ts";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { Batch, Redis, WorkerImage, type BatchArgs } from "job-wq-2";
import { connect } from "job-wq-2/queue";
export const made = (args: Partial<BatchArgs>, bucket: pulumi.Output<string>) => {
  const redis = new Redis("redis");
  const image = new WorkerImage("image", { baseImage: pulumi.interpolate\`\${bucket}/python\` });
  const env = { BUCKET: bucket, TOKEN: pulumi.secret("t") };
  return [new Batch("b", { redis, image, command: ["ls", bucket], env, ...args }).finish, connect];
};
`;

const kinds: [title: string, type: string, options: object][] = [
  [
    "CommonJS of older templates",
    "commonjs",
    { module: "commonjs", moduleResolution: "node", ignoreDeprecations: "6.0" },
  ],
  ["CommonJS with node16", "commonjs", { module: "node16", moduleResolution: "node16" }],
  ["CommonJS with nodenext", "commonjs", { module: "nodenext", moduleResolution: "nodenext" }],
  ["ES modules with node16", "module", { module: "node16", moduleResolution: "node16" }],
  ["ES modules with nodenext", "module", { module: "nodenext", moduleResolution: "nodenext" }],
  ["a bundler", "module", { module: "preserve", moduleResolution: "bundler" }],
];

describe("the package's types", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-types-"));
  const modules = join(dir, "node_modules");
  let tarball: string;

  before(async () => {
    mkdirSync(join(modules, "job-wq-2"), { recursive: true });
    for (const name of readdirSync(join(root, "node_modules")))
      if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(modules, name));
    tarball = await pack(dir);
    await execa("tar", ["-xzf", tarball, "-C", join(modules, "job-wq-2"), "--strip-components=1"]);
  });
  after(() => rmSync(dir, { recursive: true }));

  for (const [title, type, options] of kinds)
    it(`suit ${title}, with strict checks`, async () => {
      const cwd = mkdtempSync(join(dir, "program-"));
      writeFileSync(join(cwd, "package.json"), JSON.stringify({ type }));
      writeFileSync(join(cwd, "index.ts"), PROGRAM);
      const compilerOptions = {
        strict: true,
        target: "es2022",
        noEmit: true,
        types: ["node"],
        ...options,
      };
      writeFileSync(join(cwd, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["index.ts"] }));
      const { exitCode, stdout } = await execa("tsc", ["-p", cwd], {
        preferLocal: true,
        localDir: root,
        reject: false,
      });
      assert.equal(exitCode, 0, stdout);
    });

  it("suit the plugin for other languages", async () => {
    cpSync(join(root, "plugin"), join(dir, "plugin"), { recursive: true });
    const options = { preferLocal: true, localDir: root, reject: false };
    const { exitCode, stdout } = await execa("tsc", ["-p", join(dir, "plugin")], options);
    assert.equal(exitCode, 0, stdout);
  });

  it("match what CommonJS programs load", async () => {
    const script =
      'const { Batch, Redis } = require("job-wq-2"); console.log(typeof Batch, typeof Redis, Object.keys(require("job-wq-2/queue")).length > 3)';
    const { stdout } = await execa(process.execPath, ["-e", script], { cwd: dir });
    assert.equal(stdout, "function function true");
  });

  it("are found by every module resolution", async () => {
    const attw = await execa("attw", [tarball], { preferLocal: true, localDir: root, reject: false });
    assert.equal(attw.exitCode, 0, attw.stdout);
  });
});
