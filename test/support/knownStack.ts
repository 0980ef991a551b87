// A stack with a batch, as `wq` finds it: its state, a `pulumi` that prints it, and an API server with its worker Job.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { wqScript } from "./fruits.ts";

const urn = (type: string, name: string) => `urn:pulumi:prod::media::${type}::${name}`;
const BATCH = "job-wq-2:index:Batch";
const JOB = "kubernetes:batch/v1:Job";
const provider = { urn: urn("pulumi:providers:kubernetes", "default"), type: "pulumi:providers:kubernetes", id: "i" };

/** The step of a preview that replaces the seed Job. */
function seeding(run: string) {
  const jobOf = (run: string) => ({
    type: JOB,
    inputs: {
      metadata: { labels: { "app.kubernetes.io/component": "seed" } },
      spec: { template: { spec: { containers: [{ env: [{ name: "WQ_SETTINGS", value: `{"run":"${run}"}` }] }] } } },
    },
  });
  return { op: "replace", urn: urn(`${BATCH}$${JOB}`, "thumbs-seed"), oldState: jobOf("1"), newState: jobOf(run) };
}

/** A step of `pulumi preview --json`. */
export const steps = {
  redis: { op: "update", urn: urn("job-wq-2:index:Redis$kubernetes:apps/v1:StatefulSet", "redis") },
  seed: seeding("2"),
  seedOfNewCode: seeding("1"),
  list: { op: "update", urn: urn(`${BATCH}$kubernetes:core/v1:ConfigMap`, "thumbs-seed-items") },
  marksOfList: {
    op: "update",
    urn: urn(`${BATCH}$kubernetes:core/v1:ConfigMap`, "thumbs-seed-items"),
    oldState: { inputs: { metadata: { name: "i" }, data: { items: "a" } } },
    newState: { inputs: { metadata: { name: "i", annotations: { key: "1" } }, data: { items: "a" } } },
  },
  workers: { op: "replace", urn: urn(`${BATCH}$${JOB}`, "thumbs-workers"), newState: { type: JOB, inputs: {} } },
};

/** The stack `prod` of the program `media`, whose batch `thumbs` is in a Redis. */
export async function knownStack(url: string) {
  const home = mkdtempSync(join(tmpdir(), "job-wq-2-known-"));
  const at = (name: string) => join(home, name);
  const outputs = { name: "thumbs", namespace: "media", queue: "thumbs", workerJob: "thumbs", redis: { url } };
  const annotations = { "job-wq-2/owner": "media/prod" };
  const resources = [
    { urn: urn("pulumi:pulumi:Stack", "media-prod"), type: "pulumi:pulumi:Stack" },
    { ...provider, inputs: {} },
    { urn: urn(BATCH, "thumbs"), type: BATCH, inputs: {}, outputs },
    {
      urn: steps.workers.urn,
      type: JOB,
      parent: urn(BATCH, "thumbs"),
      provider: `${provider.urn}::${provider.id}`,
      inputs: { metadata: { name: "thumbs", annotations } },
    },
  ];
  const job = { running: true, owner: "media/prod", isThere: true };
  const server = createServer((_, response) => {
    const conditions = job.running ? [] : [{ type: "Complete", status: "True" }];
    response.setHeader("content-type", "application/json");
    if (!job.isThere) response.statusCode = 404;
    response.end(
      JSON.stringify({
        metadata: { name: "thumbs", annotations: { "job-wq-2/owner": job.owner } },
        spec: { parallelism: 1 },
        status: { conditions },
      }),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const folder of ["bin", "program"]) mkdirSync(at(folder));
  writeFileSync(at("state.json"), JSON.stringify({ version: 3, deployment: { resources } }));
  writeFileSync(at("program/Pulumi.yaml"), "name: media\nruntime: nodejs\n");
  writeFileSync(
    at("kubeconfig"),
    JSON.stringify({
      clusters: [{ name: "blue", cluster: { server: api } }],
      users: [{ name: "me", user: { token: "t" } }],
      contexts: [{ name: "blue-ctx", context: { cluster: "blue", user: "me" } }],
      "current-context": "blue-ctx",
    }),
  );
  const answer =
    'case $1 in stack) cat ../state.json;; preview) cat ../preview.json; exit $(cat ../preview.code);; up) echo "up: done";; esac';
  writeFileSync(at("bin/pulumi"), `#!/bin/sh\necho "$*" >> ../calls\n${answer}\n`);
  chmodSync(at("bin/pulumi"), 0o755);
  const env = {
    PATH: `${at("bin")}:${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: home,
    JOB_WQ_2_STATE: at("none"),
    KUBECONFIG: at("kubeconfig"),
  };
  const cwd = at("program");
  const tells = (preview: object, code: number) => {
    writeFileSync(at("preview.json"), JSON.stringify(preview));
    writeFileSync(at("preview.code"), String(code));
  };
  const previews = (...some: object[]) => tells({ steps: some }, 0);
  previews(steps.workers);
  return {
    /** The worker Job, as the API server tells it. */
    job,
    api,
    /** Folder and environment of a verb. */
    place: { cwd, env },
    /** Sets the steps that `pulumi preview` tells. */
    previews,
    /** Makes `pulumi preview` fail, with these diagnostics. */
    failsPreview: (...diagnostics: object[]) => tells({ diagnostics }, 255),
    /** The runs of `pulumi up`. */
    ups: () =>
      (existsSync(at("calls")) ? readFileSync(at("calls"), "utf8") : "")
        .split("\n")
        .filter((line) => line.startsWith("up ")),
    /** Runs a verb. @returns Its exit code and all that it printed. */
    async wq(args: string[], more: Record<string, string> = {}) {
      const options = { cwd, env: { ...env, ...more }, extendEnv: false, reject: false, all: true };
      const { all, exitCode } = await execa(process.execPath, [wqScript, ...args], options);
      return [exitCode, all];
    },
    remove() {
      server.close();
      server.closeAllConnections();
      rmSync(home, { recursive: true });
    },
  };
}
