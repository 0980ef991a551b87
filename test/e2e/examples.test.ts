// Runs first: seven examples go up and down, one after the other.
// The package as its users have it: packed and installed into an empty folder, in which each example is brought up and
// destroyed.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { some } from "../support/full.ts";
import { pack, root } from "../support/checkout.ts";
import { environment, onPlatform, say } from "../support/platform.ts";

type Outputs = Record<string, unknown>;

interface Row {
  item: string;
  result: unknown;
}

interface Example {
  /** Its folder. */
  name: string;
  title: string;
  use: (wq: (...args: string[]) => Promise<string>, outputs: Outputs) => Promise<void> | void;
  /** Its secret settings. */
  secrets?: () => Record<string, string>;
}

describe("the package", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-package-"));

  onPlatform(async () => {
    const tarball = await pack(dir);
    mkdirSync(join(dir, "empty"));
    writeFileSync(join(dir, "empty/package.json"), '{ "private": true, "type": "module" }\n');
    // Pulumi's template for CommonJS has this TypeScript.
    const packages = [tarball, "typescript@5", "@types/node@18"];
    await execa("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages], {
      cwd: join(dir, "empty"),
    });
  });
  after(() => rmSync(dir, { recursive: true }));

  /** Brings an example up, uses it, and destroys it. No Docker engine can be reached. */
  async function tryExample({ name, use, secrets = () => ({}) }: Example): Promise<void> {
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
      for (const [key, value] of Object.entries(secrets())) await pulumi("config", "set", "--secret", key, value);
      await pulumi("up", "--yes"); // a preview first
      await use(wq, JSON.parse(await pulumi("stack", "output", "--json")) as Outputs);
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
  const kubeconfig = () => ({ kubeconfig: readFileSync(environment().KUBECONFIG!, "utf8") });

  /** All of them in the full run: the later ones repeat other tests. */
  const examples: Example[] = [
    {
      name: "nine-fruits",
      title: "runs nine fruits, which `wq` shows",
      use: async (wq) => {
        assert.match(await wq("status"), /9 of 9 items 100 %/);
        const results = rows(await wq("results"));
        assert.equal(results.length, 9);
        assert.deepEqual(results[0]!.result, { peeled: "apple", letters: 5 });
      },
    },
    {
      name: "commonjs",
      title: "runs in a CommonJS program of Pulumi's template, unchanged",
      use: (_, { counts }) => assert.deepEqual(counts, { total: 9, done: 9, failed: 0 }),
    },
    {
      name: "own-cluster",
      title: "runs on a cluster that an output names, in a namespace of the same program",
      secrets: kubeconfig,
      use: async (wq) => {
        const [first] = rows(await wq("results"));
        assert.match(String(first!.result), /^Hello, Ada, in work-\w+!$/);
      },
    },
    {
      name: "two-batches",
      title: "runs two batches on one Redis",
      use: async (wq) => {
        const squares = rows(await wq("results", "--batch", "squares"));
        assert.deepEqual([squares.length, squares[99]], [100, { ...squares[99]!, item: "100", result: 10_000 }]);
        const greetings = rows(await wq("results", "--batch", "greetings")).map(({ result }) => result);
        assert.deepEqual(greetings, ["Hello, Ada!", "Hello, Grace!", "Hello, Jürgen!"]);
      },
    },
    {
      name: "map-reduce",
      title: "runs a reducing batch after a mapping one",
      use: async (wq) => {
        const [{ result }] = rows(await wq("results", "--batch", "count")) as [Row];
        assert.deepEqual([(result as Record<string, number>).the, (result as Record<string, number>).fox], [3, 1]);
      },
    },
    {
      name: "outcome",
      title: "gives its outcome to another resource",
      use: (_, { done }) => assert.equal(done, "12 of 12 squares"),
    },
    {
      name: "python",
      title: "runs a Python program on Python's own image",
      use: async (wq) => {
        const results = rows(await wq("results")).map(({ item }) => item);
        assert.deepEqual(results, ["stressed", "drawer", "straw"]);
      },
    },
  ];
  for (const example of some(examples, 3)) it(example.title, () => tryExample(example));
});
