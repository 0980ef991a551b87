// The package as its users have it: packed, installed into an empty folder, and each example taken up and down from
// there.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { environment, onPlatform, root, say } from "../support/stack.ts";

interface Row {
  item: string;
  result: unknown;
}

describe("the package", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-package-"));

  onPlatform(async () => {
    await execa("npm", ["run", "-s", "pack", "--", "--pack-destination", dir], { cwd: root });
    const [tarball] = readdirSync(dir).filter((name) => name.endsWith(".tgz"));
    mkdirSync(join(dir, "empty"));
    writeFileSync(join(dir, "empty/package.json"), '{ "private": true, "type": "module" }\n');
    await execa("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", join(dir, tarball!)], {
      cwd: join(dir, "empty"),
    });
  });
  after(() => rmSync(dir, { recursive: true }));

  /** Takes an example up, uses it, and takes it down. No Docker engine can be reached. */
  async function withExample(name: string, use: (wq: (...args: string[]) => Promise<string>) => Promise<void>) {
    const cwd = join(dir, name);
    cpSync(join(root, "examples", name), cwd, { recursive: true });
    symlinkSync(join(dir, "empty/node_modules"), join(cwd, "node_modules"));
    mkdirSync(join(cwd, "backend"));
    const namespace = `example-${name}-${process.pid}`;
    const env = { PULUMI_BACKEND_URL: `file://${cwd}/backend`, DOCKER_HOST: "unix:///nowhere", PULUMI_STACK: "dev" };
    const pulumi = async (...args: string[]) => {
      const { ok, text } = await say("pulumi", [...args, "--non-interactive"], { cwd, env });
      assert.ok(ok, text);
      return text;
    };
    const wq = async (...args: string[]) => {
      const { stdout } = await execa("npx", ["--no", "wq", ...args], { cwd, env: { ...environment(), ...env } });
      return stdout;
    };
    await say("kubectl", ["create", "namespace", namespace]);
    try {
      await pulumi("stack", "init", "dev");
      await pulumi("config", "set", "namespace", namespace);
      await pulumi("up", "--yes", "--skip-preview");
      await use(wq);
      await pulumi("preview", "--expect-no-changes");
      await pulumi("destroy", "--yes", "--skip-preview");
      const { text } = await say("kubectl", [
        "-n",
        namespace,
        "get",
        "pods,jobs,services,secrets,configmaps",
        "-o",
        "name",
      ]);
      assert.equal(text.replace("configmap/kube-root-ca.crt", "").trim(), "");
    } finally {
      await say("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
    }
  }

  const rows = (text: string) => text.split("\n").map((line) => JSON.parse(line) as Row);

  it("runs nine fruits, which `wq` shows", async () => {
    await withExample("nine-fruits", async (wq) => {
      assert.match(await wq("status"), /9 of 9 items 100 %/);
      const results = rows(await wq("results"));
      assert.equal(results.length, 9);
      assert.deepEqual(results[0]!.result, { peeled: "apple", letters: 5 });
    });
  });

  it("runs two batches on one Redis", async () => {
    await withExample("two-batches", async (wq) => {
      const squares = rows(await wq("results", "--batch", "squares"));
      assert.deepEqual([squares.length, squares[99]], [100, { ...squares[99]!, item: "100", result: 10_000 }]);
      const greetings = rows(await wq("results", "--batch", "greetings")).map(({ result }) => result);
      assert.deepEqual(greetings, ["Hello, Ada!", "Hello, Grace!", "Hello, Jürgen!"]);
    });
  });

  it("runs a reducing batch after a mapping one", async () => {
    await withExample("map-reduce", async (wq) => {
      const [{ result }] = rows(await wq("results", "--batch", "count")) as [Row];
      assert.deepEqual([(result as Record<string, number>).the, (result as Record<string, number>).fox], [3, 1]);
    });
  });

  it("runs a Python program on Python's own image", async () => {
    await withExample("python", async (wq) => {
      const results = rows(await wq("results")).map(({ item }) => item);
      assert.deepEqual(results, ["stressed", "drawer", "straw"]);
    });
  });
});
