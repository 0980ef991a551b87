import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as versions from "../../../local/versions.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

describe("the platform's versions", () => {
  it("are those that its Go modules pin", () => {
    const modules = read("local/go/platform/go.mod");
    assert.ok(modules.includes(`k8s.io/kubernetes ${versions.kubernetesVersion}`));
    assert.ok(modules.includes(`github.com/coredns/coredns ${versions.corednsVersion}`));
    assert.ok(modules.includes(`pulumi/pkg/v3 ${versions.pulumiVersion}`));
    assert.ok(modules.includes(`${versions.kubernetesProvider.module} ${versions.kubernetesProvider.version}`));
    for (const platform of readdirSync(join(root, "local/go/toolchain"))) {
      const module = `golang.org/toolchain v0.0.1-go${versions.goVersion}.${platform} `;
      assert.ok(read(`local/go/toolchain/${platform}/go.sum`).startsWith(module));
    }
  });

  it("has all of Kubernetes at one release", () => {
    const minor = versions.kubernetesVersion.replace(/^v1\./, "v0.");
    const replaced = [...read("local/go/platform/go.mod").matchAll(/^\t(k8s\.io\/\S+) => \S+ (v0\.\d+\.\d+)$/gm)];
    assert.ok(replaced.length > 20);
    for (const [, module, version] of replaced) assert.equal(version, minor, module);
  });

  it("accept the Pulumi that the program accepts", () => {
    const required = /NEEDED = "([\d.]+)"/.exec(read("config/pulumiVersion.ts"))?.[1];
    assert.equal(required, versions.oldestPulumi);
  });
});
