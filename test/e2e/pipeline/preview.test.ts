// Each stack file of the checkout in a real `pulumi preview`: nothing is built, pushed or created.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "yaml";
import { some } from "../../support/full.ts";
import { root } from "../../support/checkout.ts";
import { onPlatform } from "../../support/platform.ts";
import { type Settings, TestStack } from "../../support/stack.ts";

/** The engine's text for a value that is not known yet, like the digest of an image before its push. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

interface Step {
  op: string;
  urn: string;
  newState: { type: string; inputs: { [key: string]: unknown } };
}

interface Row {
  imageName: string;
  /** Key of the pull Secret's one login; none: there is no such Secret. */
  host?: string;
  push?: false;
}

/** First, one of each kind; the others are for the full run. */
const rows: Record<string, Row> = {
  dev: { imageName: "127.0.0.1:5000/job-wq-2" },
  minikube: { imageName: "job-wq-2:dev", push: false },
  dockerhub: { imageName: "docker.io/you/job-wq-2", host: "https://index.docker.io/v1/" },
  private: { imageName: "registry.example.com:5000/team/job-wq-2", host: "registry.example.com:5000" },
  kind: { imageName: "localhost:5001/job-wq-2" },
  ghcr: { imageName: "ghcr.io/you/job-wq-2", host: "ghcr.io" },
  gke: { imageName: "europe-west1-docker.pkg.dev/my-project/my-repo/job-wq-2" },
  eks: { imageName: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/job-wq-2" },
  aks: { imageName: "myregistry.azurecr.io/job-wq-2" },
};

/** The settings of a stack file, in a namespace of the test's own: the user's may hold the same names. */
function settingsOf(name: string): Settings {
  const { config } = parse(readFileSync(`${root}/Pulumi.${name}.yaml`, "utf8")) as { config: Settings };
  const own = Object.entries(config).map(([key, value]) => [key.replace(/^job-wq-2:/, ""), value] as const);
  return { workSeconds: undefined, ...Object.fromEntries(own) };
}

describe("stack files", () => {
  onPlatform();

  it("are all in the table", () => {
    const files = readdirSync(root).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
    assert.deepEqual(files.sort(), Object.keys(rows).sort());
  });

  for (const [name, { imageName, host, push = true }] of some(Object.entries(rows), 4)) {
    it(`${name}: ${push ? "pushes" : "builds"} ${imageName}${host ? `, pulls with a login for ${host}` : ""}`, async () => {
      const stack = await new TestStack(settingsOf(name)).init();
      try {
        assert.doesNotMatch(stack.settingsFile, /password|token|secure/i);
        if (host) {
          stack.set({ registryUsername: "me" });
          await stack.setSecret("registryPassword", "hush-hush");
        }
        const { ok, text } = await stack.preview("--json", "--show-secrets");
        assert.ok(ok, text);
        const steps = (JSON.parse(text.slice(text.indexOf("{"))) as { steps: Step[] }).steps;
        const inputs = (type: string) =>
          steps.filter(({ newState }) => newState.type === type).map((s) => s.newState.inputs);

        const [image, ...others] = inputs("docker:index/image:Image");
        assert.equal(others.length, 0);
        assert.equal(image!.imageName, imageName);
        assert.equal(image!.skipPush, !push);
        assert.equal((image!.build as Settings).platform, "linux/amd64");
        const registry = image!.registry as Settings | undefined;
        assert.deepEqual(registry && [registry.server, registry.username], host && [imageName.split("/")[0], "me"]);

        const jobs = inputs("kubernetes:batch/v1:Job") as {
          metadata: Settings;
          spec: { template: { spec: PodSpec } };
        }[];
        assert.equal(jobs.length, 3);
        for (const { spec } of jobs) {
          const { containers, imagePullSecrets } = spec.template.spec;
          // A pushed image runs by its digest.
          assert.equal(containers[0]!.image, push ? UNKNOWN : imageName);
          assert.equal(containers[0]!.imagePullPolicy, push ? undefined : "IfNotPresent");
          assert.deepEqual(imagePullSecrets, host ? [{ name: "job-wq-2-registry" }] : undefined);
        }
        const logins = inputs("kubernetes:core/v1:Secret").filter((s) => s.type === "kubernetes.io/dockerconfigjson");
        const hosts = logins.map(
          ({ metadata }) => (metadata as { annotations: Settings }).annotations["job-wq-2/registry"],
        );
        assert.deepEqual(hosts, host ? [host] : []);
        // Secrets are neither shown nor written in plain text.
        assert.doesNotMatch(stack.settingsFile, /hush-hush|bWU6aHVzaC1odXNo/);
        if (host) assert.doesNotMatch((await stack.preview("--diff")).text, /hush-hush|bWU6aHVzaC1odXNo/);
      } finally {
        await stack.remove();
      }
    });
  }
});

interface PodSpec {
  containers: { image: string; imagePullPolicy?: string }[];
  imagePullSecrets?: { name: string }[];
}
