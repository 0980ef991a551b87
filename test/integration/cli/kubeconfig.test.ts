// A stack whose kubeconfig leads to no cluster: one line, and nothing is done.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { verbs } from "../../../cli/verbs.ts";
import { wqScript } from "../../support/fruits.ts";

const urn = (type: string, name: string) => `urn:pulumi:prod::media::${type}::${name}`;
const BATCH = "job-wq-2:index:Batch";
const PROVIDER = { urn: urn("pulumi:providers:kubernetes", "default"), type: "pulumi:providers:kubernetes", id: "i" };

const redis = { namespace: "media", pod: "redis-master", passwordSecret: "redis" };
const outputs = { name: "thumbs", namespace: "media", queue: "thumbs", workerJob: "thumbs", redis };
const resources = [
  { urn: urn("pulumi:pulumi:Stack", "media-prod"), type: "pulumi:pulumi:Stack" },
  { ...PROVIDER, inputs: {} },
  { urn: urn(BATCH, "thumbs"), type: BATCH, inputs: {}, outputs },
  {
    urn: urn(`${BATCH}$kubernetes:batch/v1:Job`, "thumbs-workers"),
    type: "kubernetes:batch/v1:Job",
    parent: urn(BATCH, "thumbs"),
    provider: `${PROVIDER.urn}::${PROVIDER.id}`,
    inputs: { metadata: { name: "thumbs" } },
  },
];

const kubeconfig = (server: string) =>
  JSON.stringify({
    clusters: [{ name: "blue", cluster: { server } }],
    users: [{ name: "me", user: { token: "t" } }],
    contexts: [{ name: "we ird/ctx:@x", context: { cluster: "blue", user: "me" } }],
    "current-context": "we ird/ctx:@x",
  });

describe("wq without a cluster", () => {
  const home = mkdtempSync(join(tmpdir(), "job-wq-2-nowhere-"));
  const file = join(home, "kubeconfig");
  before(() => {
    for (const folder of ["bin", "program"]) mkdirSync(join(home, folder));
    writeFileSync(join(home, "state.json"), JSON.stringify({ version: 3, deployment: { resources } }));
    writeFileSync(join(home, "bin/pulumi"), `#!/bin/sh\nexec cat ${home}/state.json\n`, { mode: 0o755 });
    writeFileSync(join(home, "program/Pulumi.yaml"), "name: media\nruntime: nodejs\n");
  });
  after(() => rmSync(home, { recursive: true }));

  async function said(args: string[], env: Record<string, string> = { KUBECONFIG: file }) {
    const base = {
      PATH: `${home}/bin:${dirname(process.execPath)}:/bin`,
      HOME: home,
      JOB_WQ_2_STATE: join(home, "none"),
    };
    const options = { cwd: join(home, "program"), env: { ...base, ...env }, extendEnv: false, reject: false };
    const { all, exitCode } = await execa(process.execPath, [wqScript, ...args], { ...options, all: true });
    assert.equal(exitCode, 3, all);
    return all;
  }

  it("says what is wrong with the kubeconfig", async () => {
    const table: [content: string, line: RegExp][] = [
      ["", /^cannot read the kubeconfig: .*empty$/],
      ["clusters: [", /^cannot read the kubeconfig: .*$/],
      ["{}", /^the kubeconfig has no current context; set KUBECONFIG$/],
      [
        kubeconfig("127.0.0.1:6443"),
        /^the kubeconfig's cluster blue needs a server like https:\/\/HOST:PORT, got 127.0.0.1:6443$/,
      ],
      [
        kubeconfig("https://127.0.0.1:9"),
        /^the cluster at https:\/\/127.0.0.1:9 does not answer: .*KUBECONFIG right\?$/,
      ],
    ];
    for (const [content, line] of table) {
      writeFileSync(file, content);
      const all = await said(["status"]);
      assert.match(all.replace(/^wq status: /, ""), line);
    }
    assert.equal(
      await said(["status"], {}),
      "wq status: cannot read the kubeconfig: neither KUBECONFIG nor ~/.kube/config is there",
    );
  });

  for (const { name } of verbs.filter(({ name }) => !["run", "try", "completion"].includes(name)))
    it(`${name} ends with one line if there is none`, async () => {
      const args = { logs: ["apple"], cancel: ["apple"], scale: ["2"], purge: ["job2"] }[name] ?? [];
      const line = `wq ${name}: cannot read the kubeconfig: /nowhere does not exist`;
      assert.equal(await said([name, ...args], { KUBECONFIG: "/nowhere" }), line);
    });
});
