// Every process of the platform: what it is started with, and how it says that it serves.
import { Resolver } from "node:dns/promises";
import { request } from "node:https";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import { which } from "../host/apt.ts";
import { entryPath } from "../host/cache.ts";
import { kubernetesVersion, moduleKey } from "../host/go.ts";
import { bridgeAddress, containerdSocket, dockerSocket, nodeName, pkiDir, ports, registry, runDir } from "../paths.ts";
import { serviceSubnet, stateDir } from "../paths.ts";
import { kubeconfigOf } from "./pki.ts";

const answers = (url: string) => async () => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;

/** An HTTPS probe with the admin's certificate; the parts' own certificates are self-signed, so they are not checked. */
const answersTls = (url: string) => () =>
  new Promise<boolean>((resolve, reject) => {
    const pem = (name: string) => readFileSync(join(pkiDir, name));
    const options = { cert: pem("admin.crt"), key: pem("admin.key"), rejectUnauthorized: false, timeout: 2000 };
    const call = request(url, options, (response) => resolve(response.resume().statusCode === 200));
    call.on("timeout", () => call.destroy(new Error("no answer"))).on("error", reject);
    call.end();
  });

const accepts = (path: string) => () =>
  new Promise<boolean>((resolve, reject) => {
    const socket = createConnection(path, () => resolve(socket.destroy() && true)).on("error", reject);
  });

async function resolvesNames(): Promise<boolean> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([bridgeAddress]);
  return (await resolver.resolve4("kubernetes.default.svc.cluster.local")).length > 0;
}

const built = (module: string, name: string) => join(entryPath(module, moduleKey(module)), name);
const flags = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => `--${key}=${value}`);
const pki = (name: string) => join(pkiDir, name);

/** All of them in the order of their start. `address` is the node's. */
export function daemons(address: string): Record<string, Daemon> {
  const debian = (name: string, args: string[]) => ({ name, command: which(name) ?? name, args });
  const kubernetes = (name: string, command: string, values: Record<string, string>) => ({
    name,
    command: built("k8s", command),
    args: flags(values),
    version: kubernetesVersion,
  });
  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const list: Daemon[] = [
    {
      ...debian("containerd", ["--config", join(stateDir, "containerd.toml")]),
      listens: containerdSocket,
      ready: accepts(containerdSocket),
    },
    {
      ...debian("docker-registry", ["serve", join(stateDir, "registry.yaml")]),
      listens: registry,
      port: ports.registry,
      ready: answers(`http://${registry}/v2/`),
    },
    {
      ...debian("dockerd", [
        // Nothing is downloaded inside a build, so the engine needs no network of its own, nor rules for one.
        ...flags({ bridge: "none", iptables: "false", "ip-masq": "false", containerd: containerdSocket }),
        ...flags({ host: `unix://${dockerSocket}`, "data-root": join(stateDir, "docker") }),
        ...flags({ "exec-root": join(runDir, "docker"), pidfile: join(runDir, "docker.pid") }),
        ...flags({ "registry-mirror": `http://${registry}` }),
      ]),
      listens: dockerSocket,
      ready: accepts(dockerSocket),
    },
    {
      ...debian("etcd", [
        ...flags({ "data-dir": join(stateDir, "etcd"), "listen-client-urls": etcd, "advertise-client-urls": etcd }),
        ...flags({ "listen-peer-urls": `http://127.0.0.1:${ports.etcdPeer}`, "unsafe-no-fsync": "true" }),
      ]),
      listens: etcd,
      port: ports.etcd,
      ready: answers(`${etcd}/health`),
    },
    {
      ...kubernetes("apiserver", "kube-apiserver", {
        "etcd-servers": etcd,
        "secure-port": String(ports.apiserver),
        "advertise-address": address,
        "service-cluster-ip-range": serviceSubnet,
        "tls-cert-file": pki("apiserver.crt"),
        "tls-private-key-file": pki("apiserver.key"),
        "client-ca-file": pki("ca.crt"),
        "service-account-key-file": pki("sa.pub"),
        "service-account-signing-key-file": pki("sa.key"),
        "service-account-issuer": "https://kubernetes.default.svc",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "kubelet-client-certificate": pki("admin.crt"),
        "kubelet-client-key": pki("admin.key"),
        "allow-privileged": "true",
        // The node's name resolves nowhere; without this `logs` and `exec` fail.
        "kubelet-preferred-address-types": "InternalIP",
      }),
      listens: `https://127.0.0.1:${ports.apiserver}`,
      port: ports.apiserver,
      ready: answersTls(`https://127.0.0.1:${ports.apiserver}/readyz`),
    },
    {
      ...kubernetes("controller-manager", "kube-controller-manager", {
        kubeconfig: kubeconfigOf("controller-manager"),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": pki("sa.key"),
        "root-ca-file": pki("ca.crt"),
        "cluster-cidr": "10.244.0.0/16",
        "allocate-node-cidrs": "false",
        "leader-elect": "false",
        "cluster-signing-cert-file": pki("ca.crt"),
        "cluster-signing-key-file": pki("ca.key"),
        "bind-address": "127.0.0.1",
      }),
      listens: "https://127.0.0.1:10257",
      port: 10257,
      ready: answersTls("https://127.0.0.1:10257/healthz"),
    },
    {
      ...kubernetes("scheduler", "kube-scheduler", {
        kubeconfig: kubeconfigOf("scheduler"),
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
      }),
      listens: "https://127.0.0.1:10259",
      port: 10259,
      ready: answersTls("https://127.0.0.1:10259/healthz"),
    },
    {
      ...kubernetes("kubelet", "kubelet", {
        config: join(stateDir, "kubelet.yaml"),
        kubeconfig: kubeconfigOf("kubelet"),
        "root-dir": join(stateDir, "kubelet"),
        "hostname-override": nodeName,
        "node-ip": address,
      }),
      listens: `https://${address}:${ports.kubelet}`,
      port: ports.kubelet,
      ready: answers("http://127.0.0.1:10248/healthz"),
    },
    {
      ...kubernetes("proxy", "kube-proxy", { config: join(stateDir, "proxy.yaml") }),
      listens: "http://127.0.0.1:10256",
      port: 10256,
      ready: answers("http://127.0.0.1:10256/healthz"),
    },
    {
      name: "coredns",
      command: built("coredns", "coredns"),
      args: ["-conf", join(stateDir, "Corefile")],
      version: "v1.14.2",
      listens: `${bridgeAddress}:53`,
      ready: resolvesNames,
    },
  ];
  return Object.fromEntries(list.map((daemon) => [daemon.name, daemon]));
}
