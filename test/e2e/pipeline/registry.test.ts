// A registry with a login, end to end: pushed with it, pulled through the pull Secret; and a wrong password.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { secondRegistry } from "../../../local/addresses.ts";
import { onPlatform } from "../../support/platform.ts";
import { fruits, TestStack } from "../../support/stack.ts";

/** `me` and `right-one`, as htpasswd -B writes it. */
const HTPASSWD = "me:$2y$05$abcdefghijklmnopqrstuuxq35/t05KtI3BQ9eJ.3qCT1dD0ALBpq\n";

describe("a registry with a login", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-registry-"));
  const imageName = `${secondRegistry}/team/job-wq-2-${process.pid}`;
  const stack = new TestStack({ imageName, registryUsername: "me" });
  let server: ChildProcess;

  onPlatform(async () => {
    writeFileSync(join(dir, "htpasswd"), HTPASSWD);
    const storage = { filesystem: { rootdirectory: join(dir, "data") } };
    const auth = { htpasswd: { realm: "team", path: join(dir, "htpasswd") } };
    const config = {
      version: "0.1",
      log: { accesslog: { disabled: true } },
      storage,
      http: { addr: secondRegistry },
      auth,
    };
    writeFileSync(join(dir, "config.yaml"), stringify(config));
    server = spawn("docker-registry", ["serve", join(dir, "config.yaml")], { stdio: "ignore" });
    const status = () =>
      fetch(`http://${secondRegistry}/v2/`).then(
        (answer) => answer.status,
        () => 0,
      );
    for (let i = 0; (await status()) !== 401 && i < 100; i++) await sleep(100);
    await stack.init();
  });
  after(async () => {
    await stack.remove();
    server.kill();
    rmSync(dir, { recursive: true });
  });

  it("refuses a wrong password, as the error of `up`", async () => {
    await stack.setSecret("registryPassword", "wrong-one");
    const { ok, text } = await stack.up();
    assert.ok(!ok);
    assert.match(
      text,
      /error (reading push output|pushing image).*(unauthorized|no basic auth credentials|authentication required)/s,
    );
    assert.ok(!text.includes("wrong-one"));
  });

  it("takes pushes and pulls, and no password is anywhere in plain text", async () => {
    await stack.setSecret("registryPassword", "right-one");
    const { text } = await stack.mustUp();
    assert.deepEqual(await stack.items(), fruits);
    const pod = await stack.kubectl("get", "pods", "-l", "job-name=job-wq-2", "-o", "jsonpath={.items[0].spec}");
    assert.match(pod, new RegExp(`"image":"${imageName}@sha256:[0-9a-f]{64}"`));
    assert.match(pod, /"imagePullSecrets":\[\{"name":"job-wq-2-registry"\}\]/);
    // It refuses pulls without a login, so the Secret was used.
    assert.equal((await fetch(`http://${imageName.replace("/", "/v2/")}/tags/list`)).status, 401);
    const { text: state } = await stack.pulumi("stack", "export");
    const encoded = Buffer.from("me:right-one").toString("base64");
    for (const kept of [text, state, stack.settingsFile]) {
      assert.ok(!kept.includes("right-one") && !kept.includes(encoded));
    }
  });

  it("has nothing to change afterwards", async () => {
    const { ok, text } = await stack.preview("--expect-no-changes");
    assert.ok(ok, text);
  });
});
