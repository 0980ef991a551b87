// Runs first: it brings up ten stacks.
// Mistakes of users in a real `up`: one line, and nothing is created or pushed. test/unit/config/config.test.ts has all
// refusals of settings, with their exact lines.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFull } from "../../support/full.ts";
import { onPlatform, say } from "../../support/platform.ts";
import { type Settings, TestStack } from "../../support/stack.ts";

const REGISTRY = "http://127.0.0.1:5000/v2";

describe("bad input", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-bad-"));
  const made: TestStack[] = [];

  onPlatform();
  after(async () => {
    await Promise.all(made.map((stack) => stack.remove()));
    rmSync(dir, { recursive: true });
  });

  async function failed(settings: Settings, env: Record<string, string> = {}) {
    const imageName = `127.0.0.1:5000/bad-${process.pid}-${made.length}`;
    const stack = new TestStack({ imageName, ...settings }, { env });
    made.push(stack);
    await stack.init();
    const { ok, text } = await stack.up();
    assert.ok(!ok, text);
    const pushed = (await fetch(`${REGISTRY}/${imageName.replace(/^[^/]*\//, "")}/tags/list`)).ok;
    return { stack, text, pushed };
  }

  it("in the settings is one line, before anything is made", async () => {
    const { stack, text } = await failed({ paralelism: 3 });
    assert.match(text, /^ *error: There is no setting `paralelism`; did you mean `parallelism`\?$/m);
    assert.doesNotMatch(text, / +at .*\.ts:\d+/);
    const { text: listed } = await stack.pulumi("stack", "--show-urns");
    assert.doesNotMatch(listed, /kubernetes:|docker:/);
    assert.match((await say("kubectl", ["get", "namespace", stack.namespace])).text, /NotFound/);
    // An error by Pulumi itself names the key, too.
    const { text: ofKind } = await stack.up({ paralelism: undefined, items: "apple" });
    assert.match(ofKind, /^ *error: Expected `items` to be /m);
  });

  it("a secret is neither repeated nor kept as plain text", async () => {
    const { stack } = await failed({ paralelism: 3 });
    await stack.setSecret("secretEnv", "TOKEN=hunter2");
    const wrong = await stack.up({ paralelism: undefined });
    assert.match(wrong.text, /^ *error: Expected `secretEnv` to be a map in the stack file, got something else\.$/m);
    await stack.pulumi("config", "rm", "secretEnv");
    await stack.pulumi("config", "set", "notify", "https://h/hunter2");
    await stack.pulumi("config", "set", "--secret", "--path", "env.TOKEN", "hunter2");
    const plain = await stack.pulumi("up", "--yes", "--skip-preview");
    assert.match(plain.text, /^ *error: Expected `env` to be set without `--secret`, since it is readable in/m);
    await stack.pulumi("config", "rm", "env");
    const warned = await stack.preview();
    assert.match(warned.text, /warning: `notify` is readable in the stack file: `pulumi config set --secret notify`/);
    const { text: state } = await stack.pulumi("stack", "export");
    for (const said of [wrong.text, plain.text, warned.text, state]) assert.ok(!said.includes("hunter2"), said);
  });

  it("a cluster that is not there pushes nothing", async () => {
    const kubeconfig = join(dir, "kubeconfig");
    const cluster = { name: "gone", cluster: { server: "https://127.0.0.1:1" } };
    const context = { name: "gone", context: { cluster: "gone", user: "me" } };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [cluster],
      contexts: [context],
      "current-context": "gone",
    };
    writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: "me", user: { token: "t" } }] }));
    const { text, pushed } = await failed({ createNamespace: false }, { KUBECONFIG: kubeconfig });
    assert.match(text, /unreachable|serves only the local platform, and KUBECONFIG names 127\.0\.0\.1:1/);
    assert.equal(pushed, false);
  });

  it("a Docker that does not run is reported", async () => {
    const { text, pushed } = await failed({}, { DOCKER_HOST: `unix://${dir}/nowhere.sock` });
    assert.match(text, /failed to connect to any docker daemon/);
    assert.equal(pushed, false);
  });

  it("a command that the image lacks is an error of `up`, in seconds, and runs after a correction", async () => {
    const script = ["-c", '[ -n "$TOKEN" ] || exit 65'];
    const { stack, text } = await failed({ command: ["shh", ...script], items: ["apple", "fig"] });
    assert.match(
      text,
      /the batch was aborted: the command shh is not in the image: set `baseImage`.*again: npx --no wq retry/,
    );
    const retried = await stack.wq("retry");
    assert.match(retried.out, /^Nothing failed: going on with 2 items left\.\n[^]*the command shh is not in the image/);
    const mended = await stack.up({ command: ["sh", ...script] });
    assert.match(mended.text, /2 of 2 items failed: (apple, fig|fig, apple) /);
    await stack.setSecret("secretEnv", JSON.stringify({ TOKEN: "t" }));
    await stack.mustUp();
    assert.match(await stack.verdict(), /all 2 items done/);
    assert.match((await stack.mustUp({ parallelism: 1 })).text, /unchanged/);
    assert.deepEqual(await stack.items(), [], "done stays done");
  });

  const alsoByHand = async () => {
    const { stack } = await failed({ items: undefined, workers: false, command: ["shh"], paralelism: 1 });
    await stack.mustUp({ paralelism: undefined });
    await stack.redis("rpush", "job2", "apple", "fig");
    assert.match(
      (await stack.up({ workers: true })).text,
      /the batch was aborted: the command shh is not in the image/,
    );
    await stack.mustUp({ command: ["sh", "-c", "exit 0"] });
    assert.match(await stack.verdict(), /all 2 items done/);
  };
  // integration/worker/programs has the same without a cluster.
  if (isFull) it("a list that was filled by hand goes on as well, when its command is mended", alsoByHand);

  let first: TestStack;

  it("an image that cannot be pulled is an error of `up`, in seconds: of the seed Job, or of workers without one", async () => {
    const image = `127.0.0.1:5000/nobody-pushed-this-${process.pid}:1`;
    const line = `error: The cluster cannot pull ${image}: [^\n]*not found; is the name right, and may the cluster pull it`;
    const { stack, text } = await failed({ image, imageName: undefined });
    assert.match(text, new RegExp(line));
    const byHand = await stack.up({ items: undefined });
    assert.ok(!byHand.ok);
    assert.match(byHand.text, new RegExp(line));
    // An image that this project did not build.
    const other = await stack.up({ image: "127.0.0.1:5000/library/python:3-slim", items: ["apple"] });
    const ours = "(`image` is for an image that this project built: any other one is `baseImage`)";
    assert.ok(other.text.includes(ours), other.text);
    // With an image that exists, it goes on.
    await stack.mustUp({ image: undefined, imageName: "127.0.0.1:5000/job-wq-2", items: ["apple"] });
    assert.deepEqual(await stack.items(), ["apple"]);
    first = stack;
  });

  it("another stack's queue and a wrong password are errors of `up`, in seconds", async () => {
    const host = await first.kubectl("get", "service/redis", "-o", "jsonpath={.spec.clusterIP}");
    const secret = await first.kubectl("get", "secret/redis", "-o", "jsonpath={.data.password}");
    const password = Buffer.from(secret, "base64").toString();

    const second = new TestStack({});
    made.push(second);
    await second.init();
    await second.setSecret("redisUrl", `redis://:${password}@${host}:6379`);
    const owned = await second.up();
    assert.ok(!owned.ok);
    assert.match(owned.text, new RegExp(`job2 .*job-wq-2/${first.name}`));
    await second.setSecret("redisUrl", `redis://:wrong-one@${host}:6379`);
    const refused = await second.up();
    assert.ok(!refused.ok);
    assert.match(refused.text, /WRONGPASS|password/);
    // Neither password is in the output or in the state.
    const { text: state } = await second.pulumi("stack", "export");
    for (const said of [owned.text, refused.text, state])
      assert.ok(!said.includes(password) && !said.includes("wrong-one"));
    // With a queue of its own, the stack shares that Redis.
    await second.setSecret("redisUrl", `redis://:${password}@${host}:6379`);
    await second.mustUp({ queue: "job3" });
    assert.equal((await second.items()).length, 9);
  });
});
