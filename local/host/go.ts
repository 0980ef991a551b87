// Commands that are built from Go modules: pinned, with committed go.sum files, one folder of local/go a module.
import { totalmem } from "node:os";
import { join } from "node:path";
import { kubernetesVersion, pulumiVersion } from "../versions.ts";
import { hash } from "./cache.ts";
import { run } from "./exec.ts";
import { goCommand } from "./goToolchain.ts";

const kubernetesFlags = [
  `-X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  "-X k8s.io/component-base/version.gitMajor=1",
  "-X k8s.io/component-base/version.gitMinor=34",
  `-X k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
].join(" ");

/** Commands of one module that are built together. */
export interface GoBuild {
  /** Folder of local/go. */
  module: string;
  packages: string[];
  /** Flags for the linker. */
  ldflags?: string;
}

/** Builds of one module share the compiled packages, so they come one after the other. */
export const goBuilds = {
  kubernetes: {
    module: "k8s",
    packages: ["apiserver", "controller-manager", "scheduler", "proxy"]
      .map((name) => `k8s.io/kubernetes/cmd/kube-${name}`)
      .concat("k8s.io/kubernetes/cmd/kubelet"),
    ldflags: kubernetesFlags,
  },
  coredns: { module: "k8s", packages: ["./coredns"] },
  kubectl: { module: "k8s", packages: ["k8s.io/kubernetes/cmd/kubectl"], ldflags: kubernetesFlags },
  pulumi: {
    module: "pulumi",
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion}`,
  },
  langhost: { module: "langhost", packages: ["github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"] },
  pause: { module: "pause", packages: ["."] },
} satisfies Record<string, GoBuild>;

/**
 * Packages whose functions are not inlined, which takes a fifth to a third of their compile time away: generated
 * clients, what the platform never calls (clouds), and what is not where a daemon spends its time. Encoding, storage,
 * caches and all of the standard library are compiled as ever.
 */
const WITHOUT_INLINING = [
  "k8s.io/kubernetes/...",
  "k8s.io/client-go/applyconfigurations/...",
  "k8s.io/client-go/informers/...",
  "k8s.io/client-go/kubernetes/...",
  "k8s.io/client-go/listers/...",
  "k8s.io/apiextensions-apiserver/...",
  "k8s.io/kube-aggregator/...",
  "k8s.io/kubectl/...",
  "sigs.k8s.io/kustomize/...",
  "github.com/google/gnostic-models/...",
  "github.com/pulumi/pulumi/pkg/v3/codegen/...",
  "github.com/alecthomas/...",
  "github.com/aws/...",
  "github.com/Azure/...",
  "github.com/envoyproxy/...",
  "github.com/google/go-tpm/...",
  "cloud.google.com/...",
  "google.golang.org/api/...",
];

// Nobody debugs these binaries, and debugging information takes a tenth of the compile time.
const NO_DEBUG = "-dwarf=false";
const compilerFlags = [
  `-gcflags=all=${NO_DEBUG}`,
  ...WITHOUT_INLINING.map((pattern) => `-gcflags=${pattern}=${NO_DEBUG} -l`),
];

const folder = (module: string) => join(import.meta.dirname, "../go", module);

/**
 * Hash of a build: its files and how it is built. A patch release of Go is no reason to build again, so its version is
 * left out.
 */
export function buildKey({ module, packages, ldflags = "" }: GoBuild): string {
  return hash([...packages, ldflags, ...compilerFlags, process.arch], [folder(module)]);
}

/** Builds the commands into a folder. */
export async function goBuild({ module, packages, ldflags = "" }: GoBuild, dir: string): Promise<void> {
  const env: Record<string, string> = {
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly -buildvcs=false",
    GOWORK: "off",
    // The compiler collects less garbage where there is memory for it.
    GOGC: totalmem() > 7 * 1024 ** 3 ? "400" : "100",
  };
  const flags = ["-trimpath", ...compilerFlags, "-ldflags", `-s -w ${ldflags}`];
  await run(await goCommand(), ["build", ...flags, "-o", `${dir}/`, ...packages], { cwd: folder(module), env });
}
