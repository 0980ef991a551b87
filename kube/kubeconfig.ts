// Finds the cluster of Pulumi's Kubernetes provider by the provider's own rules, for calls beside it.
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import type { Context, KubeConfig as Config } from "@kubernetes/client-node";
import { loadClient } from "./kubernetesClient.ts";
import { proxyOf } from "./proxy.ts";

/** The provider's own settings; all may be unset. */
export interface ProviderSettings {
  /** A path, also with `~`; the text itself; or its content as an object. */
  kubeconfig?: string | object | undefined;
  context?: string | undefined;
  cluster?: string | undefined;
  namespace?: string | undefined;
}

/** Paths of kubeconfigs, beside those of the settings. */
export interface SearchPaths {
  /** Value of KUBECONFIG: a path, or several of them. */
  path?: string | undefined;
  /** Folder that a path is relative to. */
  folder?: string;
}

const { KubeConfig } = await loadClient();
/** Context of a pod's own ServiceAccount. */
const IN_CLUSTER = "inClusterContext";
const SERVICE_ACCOUNT_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/** The kubeconfig of a provider. @throws Error of one line if it cannot be read, or names no cluster. */
export function kubeconfigOf(settings: ProviderSettings, paths: SearchPaths = {}): Config {
  const { kubeconfig, context } = settings;
  const { path = process.env.KUBECONFIG, folder = process.cwd() } = paths;
  let config: Config;
  try {
    config = kubeconfig === undefined || kubeconfig === "" ? ofMachine(path, folder) : given(kubeconfig, folder);
  } catch (error) {
    throw new Error(`cannot read the kubeconfig: ${(error as Error).message.split("\n", 1)[0]}`, { cause: error });
  }
  if (context) config.setCurrentContext(context);
  override(config, settings);
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new Error(`the kubeconfig has no ${context ? `context ${context}` : "current context"}; set KUBECONFIG`);
  if (!/^https?:\/\//.test(cluster.server))
    throw new Error(
      `the kubeconfig's cluster ${cluster.name} needs a server like https://HOST:PORT, got ${cluster.server}`,
    );
  // `kubectl proxy` serves plain HTTP. There is no certificate, and the client wants to be told that it verifies none.
  if (cluster.server.startsWith("http:")) (cluster as { skipTLSVerify: boolean }).skipTLSVerify = true;
  if (cluster.proxyUrl === undefined) (cluster as { proxyUrl?: string }).proxyUrl = proxyOf(cluster.server);
  return config;
}

/** The name of its context; a pod's own ServiceAccount has none. */
export function contextOf(config: Config): string | undefined {
  return config.getCurrentContext() === IN_CLUSTER ? undefined : config.getCurrentContext();
}

/** The namespace of objects that name none. */
export function namespaceOf(config: Config): string {
  const { namespace } = config.getContextObject(config.getCurrentContext()) ?? {};
  if (namespace) return namespace;
  const isInCluster = contextOf(config) === undefined && existsSync(SERVICE_ACCOUNT_NAMESPACE);
  return isInCluster ? readFileSync(SERVICE_ACCOUNT_NAMESPACE, "utf8").trim() : "default";
}

function given(kubeconfig: string | object, folder: string): Config {
  const config = new KubeConfig();
  if (typeof kubeconfig === "object") {
    config.loadFromString(JSON.stringify(kubeconfig));
    return config;
  }
  const files = existing(kubeconfig, folder);
  // An explicit provider has the value of KUBECONFIG as its `kubeconfig`.
  if (files.length > 0) return merged(files);
  config.loadFromString(kubeconfig);
  return config;
}

/** The kubeconfig that kubectl would choose. */
function ofMachine(path: string | undefined, folder: string): Config {
  const files = existing(path || join(homedir(), ".kube/config"), folder);
  if (files.length > 0) return merged(files);
  if (path) throw new Error(`${path} does not exist`);
  const config = new KubeConfig();
  config.loadFromDefault(); // in a cluster its ServiceAccount, elsewhere a guess
  if (config.getCurrentContext() !== IN_CLUSTER) throw new Error("neither KUBECONFIG nor ~/.kube/config is there");
  return config;
}

/** The files of a list of paths that exist; kubectl passes over the others. */
function existing(paths: string, folder: string): string[] {
  if (paths.includes("\n")) return [];
  const absolute = paths.split(delimiter).map((path) => resolve(folder, path.replace(/^~(?=\/|$)/, homedir())));
  return absolute.filter((path) => existsSync(path));
}

/** Several files as one: of two entries with the same name the first one counts, as for kubectl. */
function merged(files: string[]): Config {
  const all = files.map((file) => {
    const config = new KubeConfig();
    config.loadFromFile(file);
    return config;
  });
  const first = <T extends { name: string }>(entries: T[]) => [
    ...new Map(entries.toReversed().map((entry) => [entry.name, entry])).values(),
  ];
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: first(all.flatMap((one) => one.clusters)),
    users: first(all.flatMap((one) => one.users)),
    contexts: first(all.flatMap((one) => one.contexts)),
    currentContext: all.map((one) => one.currentContext).find(Boolean),
  });
  return config;
}

/** Applies what the provider's settings say beside the context. */
function override(config: Config, { cluster, namespace }: ProviderSettings): void {
  const current = config.getContextObject(config.getCurrentContext());
  if (!current || (!cluster && !namespace)) return;
  const changed: Context = { ...current, ...(cluster && { cluster }), ...(namespace && { namespace }) };
  config.contexts = config.contexts.map((context) => (context === current ? changed : context));
}
