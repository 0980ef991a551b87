// Parts that are built from Go modules: pinned, with committed go.sum files, one folder of local/go a module.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cached, entryPath, hash } from "./cache.ts";
import { checkGo } from "./preflight.ts";
import { run } from "./exec.ts";
import { kubernetesVersion, pulumiVersion } from "../versions.ts";

const kubernetesFlags = [
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  "-X k8s.io/component-base/version.gitMajor=1",
  "-X k8s.io/component-base/version.gitMinor=34",
  `-X k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
].join(" ");

/** A module of local/go: the commands to build, and flags for the linker. */
export interface GoModule {
  packages: string[];
  ldflags?: string;
}

export const modules: Record<string, GoModule> = {
  k8s: {
    packages: ["apiserver", "controller-manager", "scheduler", "proxy"]
      .map((name) => `k8s.io/kubernetes/cmd/kube-${name}`)
      .concat("k8s.io/kubernetes/cmd/kubelet"),
    ldflags: kubernetesFlags,
  },
  kubectl: { packages: ["k8s.io/kubernetes/cmd/kubectl"], ldflags: kubernetesFlags },
  pulumi: {
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion}`,
  },
  langhost: { packages: ["github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"] },
  coredns: { packages: ["."] },
  pause: { packages: ["."] },
};

const source = (name: string) => join(import.meta.dirname, "../go", name);

/** Cache key of a module: its files and how it is built. A patch release of Go is no reason to build again, so its version is left out. */
export function moduleKey(name: string): string {
  const { packages, ldflags = "" } = modules[name]!;
  return hash([...packages, ldflags, process.arch], [source(name)]);
}

/** Whether a module's commands are in the cache. */
export function isBuilt(name: string): boolean {
  return existsSync(entryPath(name, moduleKey(name)));
}

/** Folder with a module's commands, which are built where they are not in the cache. */
export async function goBuild(name: string): Promise<{ dir: string; built: boolean }> {
  const { packages, ldflags = "" } = modules[name]!;
  return cached(name, moduleKey(name), async (dir) => {
    await checkGo();
    await run("go", ["build", "-trimpath", "-ldflags", `-s -w ${ldflags}`, "-o", `${dir}/`, ...packages], {
      cwd: source(name),
      env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly -buildvcs=false", GOWORK: "off" },
    });
  });
}
