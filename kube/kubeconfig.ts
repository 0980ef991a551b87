import { existsSync } from "node:fs";
import type { KubeConfig as Config } from "@kubernetes/client-node";
import { loadClient } from "./kubernetesClient.ts";

const { KubeConfig } = await loadClient();

/** The provider's own settings: `kubernetes:kubeconfig`, a path or the text itself, and `kubernetes:context`. */
export interface ProviderSettings {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/**
 * The kubeconfig that Pulumi's Kubernetes provider uses, for calls to the same cluster beside it.
 * @param settings The provider's settings.
 * @param path Value of KUBECONFIG where Pulumi runs; by default that of this process, or kubectl's own default.
 * @throws Error of one line where it cannot be read, or names no cluster.
 */
export function kubeconfigOf({ kubeconfig, context }: ProviderSettings, path = process.env.KUBECONFIG): Config {
  const config = new KubeConfig();
  try {
    if (kubeconfig !== undefined) {
      if (existsSync(kubeconfig)) config.loadFromFile(kubeconfig);
      else config.loadFromString(kubeconfig);
    } else if (path && path !== process.env.KUBECONFIG) config.loadFromFile(path);
    else config.loadFromDefault(); // which knows lists of files, too
  } catch (error) {
    throw new Error(`cannot read the kubeconfig: ${(error as Error).message.split("\n", 1)[0]}`, { cause: error });
  }
  if (context) config.setCurrentContext(context);
  if (!config.getCurrentCluster())
    throw new Error(`the kubeconfig has no ${context ? `context ${context}` : "current context"}; set KUBECONFIG`);
  return config;
}
