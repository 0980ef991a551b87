// Commands that are built from Go modules: pinned, with committed go.sum files, one folder of local/go a module.
import { copyFileSync, symlinkSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, join } from "node:path";
import { kubernetesProvider, kubernetesVersion, pulumiVersion } from "../versions.ts";
import { pluginVersions } from "../pluginVersions.ts";
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
  /** More names of the one program that is built. */
  names?: string[];
  /** Files of a Go module that lie beside the program. */
  beside?: { module: string; files: string[] };
}

/** Builds of one module share the compiled packages, so they come one after the other. */
export const goBuilds = {
  kubernetes: {
    module: "platform",
    packages: ["./kube"],
    ldflags: kubernetesFlags,
    names: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet"],
  },
  coredns: { module: "platform", packages: ["./coredns"] },
  kubectl: { module: "platform", packages: ["k8s.io/kubernetes/cmd/kubectl"], ldflags: kubernetesFlags },
  kubernetesProvider: {
    module: "platform",
    packages: ["./pulumi-resource-kubernetes"],
    ldflags: `-X main.version=${pluginVersions.kubernetes}`,
    beside: {
      module: kubernetesProvider.module,
      files: ["schema.json", "terraform-mapping.json"].map((name) => `cmd/pulumi-resource-kubernetes/${name}`),
    },
  },
  pulumi: {
    module: "platform",
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion}`,
  },
  langhost: { module: "langhost", packages: ["github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"] },
  yaml: { module: "yaml", packages: ["github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"] },
  pause: { module: "pause", packages: ["."] },
} satisfies Record<string, GoBuild>;

/**
 * Packages whose functions are not inlined, which saves a fifth to a third of their compile time: generated clients,
 * code that the platform never calls (clouds), and code in which daemons spend little time. Encoding, storage, caches
 * and the whole standard library are compiled normally.
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
  "github.com/pulumi/pulumi-kubernetes/...",
  "helm.sh/...",
  "github.com/go-git/...",
  "github.com/ProtonMail/...",
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
export function buildKey({ module, packages, ldflags = "", names = [], beside }: GoBuild): string {
  const how = [...packages, ldflags, ...names, JSON.stringify(beside ?? ""), ...compilerFlags, process.arch];
  return hash(how, [folder(module)]);
}

/** Builds the commands into a folder. */
export async function goBuild(
  { module, packages, ldflags = "", names = [], beside }: GoBuild,
  dir: string,
): Promise<void> {
  const env: Record<string, string> = {
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=readonly -buildvcs=false",
    GOWORK: "off",
    // The compiler collects less garbage if there is memory for it.
    GOGC: totalmem() > 7 * 1024 ** 3 ? "400" : "100",
  };
  const flags = ["-trimpath", ...compilerFlags, "-ldflags", `-s -w ${ldflags}`];
  const go = await goCommand();
  const options = { cwd: folder(module), env };
  await run(go, ["build", ...flags, "-o", `${dir}/`, ...packages], options);
  for (const name of names) symlinkSync(basename(packages[0]!), join(dir, name));
  if (!beside) return;
  const source = await run(go, ["list", "-m", "-f", "{{.Dir}}", beside.module], options);
  for (const file of beside.files) copyFileSync(join(source.trim(), file), join(dir, basename(file)));
}
