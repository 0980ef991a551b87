// Two pods of a namespace of their own: a client that reaches a server through a Service.
import { execa } from "execa";
import { pollUntil } from "../../local/host/poll.ts";
import { platformUp } from "./platform.ts";

const manifest = (namespace: string) => `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: ${namespace}, labels: {app: server}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "redis:8"}]
---
apiVersion: v1
kind: Service
metadata: {name: server, namespace: ${namespace}}
spec: {selector: {app: server}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: ${namespace}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "redis:8", command: ["sleep", "3600"]}]
`;

/** Declares them for the tests of a `describe`. */
export function withPinger(namespace: string) {
  const pinger = {
    env: {} as Record<string, string>,
    kubectl: async (args: string[], input?: string): Promise<string> =>
      (await execa("kubectl", args, { env: pinger.env, ...(input ? { input } : {}) })).stdout,
    /** Waits until both are ready. */
    ready: () => pinger.kubectl(["wait", "-n", namespace, "--for=condition=ready", "pod", "--all", "--timeout=120s"]),
    inClient: (...command: string[]) => pinger.kubectl(["exec", "-n", namespace, "client", "--", ...command]),
    /** Through the Service, once kube-proxy has heard of the pod. */
    ping: () =>
      pollUntil(() => pinger.inClient("redis-cli", "-h", "server", "ping").catch(() => ""), {
        timeoutMs: 15_000,
        intervalMs: 200,
      }),
  };
  before(async () => {
    pinger.env = await platformUp();
    await pinger.kubectl(["apply", "-f", "-"], manifest(namespace));
    await pinger.ready();
  });
  after(() => pinger.kubectl(["delete", "namespace", namespace, "--wait=false"]));
  return pinger;
}
