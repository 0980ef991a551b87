// Every process of the platform: its arguments, and how to see that it serves.
import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import { partCommand } from "../host/platformParts.ts";
import { bridgeAddress, podRange, ports, registry, serviceSubnet } from "../addresses.ts";
import { dockerSocket, pkiDir, runDir, stateDir } from "../paths.ts";
import { corednsVersion, kubernetesVersion } from "../versions.ts";
import { type ClusterNode, firstNode } from "./nodes.ts";
import { kubeconfigOf } from "./pki.ts";
import { accepts, answers, answersTls, resolvesNames, runsPods } from "../host/probes.ts";
import { provisionerScript } from "./storage.ts";

const flags = (values: Record<string, string>) => Object.entries(values).map(([key, value]) => `--${key}=${value}`);
const pki = (name: string) => join(pkiDir, name);
const inState = (name: string) => join(stateDir, name);
const debian = (name: string, command: string, args: string[]) => ({ name, command, args });
const kubernetes = (name: string, command: string, values: Record<string, string>) => ({
  name,
  command: partCommand("kubernetes", command),
  args: flags(values),
  version: kubernetesVersion,
});

/** Socket on which the volume provisioner says that it watches. */
const provisionerSocket = join(runDir, "provisioner.sock");

/** Socket for device plugins. Each kubelet of a machine takes it over, wherever its own folder is. */
const devicePluginSocket = "/var/lib/kubelet/device-plugins/kubelet.sock";

/** Container runtime and kubelet of a node. */
function nodeDaemons(node: ClusterNode): Daemon[] {
  const { kubelet, healthz } = node.ports;
  return [
    {
      ...debian(node.containerd, "containerd", ["--config", node.containerdConfig]),
      configs: [node.containerdConfig],
      listens: node.socket,
      ready: runsPods(node.socket),
    },
    {
      ...kubernetes(node.kubelet, "kubelet", {
        config: node.kubeletConfig,
        kubeconfig: kubeconfigOf(node.kubelet),
        "root-dir": node.kubeletRoot,
        "hostname-override": node.name,
        "node-ip": bridgeAddress,
      }),
      configs: [node.kubeletConfig, kubeconfigOf(node.kubelet)],
      listens: `https://${bridgeAddress}:${kubelet}`,
      port: kubelet,
      ready: answers(`http://127.0.0.1:${healthz}/healthz`),
      // If two kubelets take it over at the same moment, one finds it in use and ends.
      started: accepts(devicePluginSocket),
    },
  ];
}

function controlPlane(): Daemon[] {
  const etcd = `https://127.0.0.1:${ports.etcd}`;
  const trusts = { "client-cert-auth": "true", "trusted-ca-file": pki("etcd-ca.crt") };
  const shows = { "cert-file": pki("etcd.crt"), "key-file": pki("etcd.key") };
  const forClients = { ...trusts, ...shows };
  const forPeers = Object.entries(forClients).map(([name, value]) => [`peer-${name}`, value] as const);
  return [
    {
      ...debian("etcd", "etcd", [
        ...flags({ "data-dir": inState("etcd"), "listen-client-urls": etcd, "advertise-client-urls": etcd }),
        ...flags({ "listen-peer-urls": `https://127.0.0.1:${ports.etcdPeer}`, "unsafe-no-fsync": "true" }),
        ...flags({ ...forClients, ...Object.fromEntries(forPeers) }),
      ]),
      configs: [pki("etcd.crt")],
      listens: etcd,
      port: ports.etcd,
      ready: answersTls(`${etcd}/health`, "etcd-client"),
    },
    {
      ...kubernetes("apiserver", "kube-apiserver", {
        "etcd-servers": etcd,
        "etcd-cafile": pki("etcd-ca.crt"),
        "etcd-certfile": pki("etcd-client.crt"),
        "etcd-keyfile": pki("etcd-client.key"),
        "secure-port": String(ports.apiserver),
        "bind-address": bridgeAddress,
        "advertise-address": bridgeAddress,
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
        // The names of nodes resolve nowhere, so `logs` and `exec` would fail by name.
        "kubelet-preferred-address-types": "InternalIP",
      }),
      configs: [pki("apiserver.crt")],
      listens: `https://${bridgeAddress}:${ports.apiserver}`,
      port: ports.apiserver,
      ready: answersTls(`https://${bridgeAddress}:${ports.apiserver}/readyz`),
    },
    {
      ...kubernetes("controller-manager", "kube-controller-manager", {
        kubeconfig: kubeconfigOf("controller-manager"),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": pki("sa.key"),
        "root-ca-file": pki("ca.crt"),
        "cluster-cidr": podRange,
        "allocate-node-cidrs": "false",
        "leader-elect": "false",
        "cluster-signing-cert-file": pki("ca.crt"),
        "cluster-signing-key-file": pki("ca.key"),
        "bind-address": "127.0.0.1",
      }),
      configs: [kubeconfigOf("controller-manager")],
      listens: `https://127.0.0.1:${ports.controllerManager}`,
      port: ports.controllerManager,
      ready: answersTls(`https://127.0.0.1:${ports.controllerManager}/healthz`),
    },
    {
      ...kubernetes("scheduler", "kube-scheduler", {
        kubeconfig: kubeconfigOf("scheduler"),
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
      }),
      configs: [kubeconfigOf("scheduler")],
      listens: `https://127.0.0.1:${ports.scheduler}`,
      port: ports.scheduler,
      ready: answersTls(`https://127.0.0.1:${ports.scheduler}/healthz`),
    },
  ];
}

/** Services for the pods of all nodes. */
function shared(): Daemon[] {
  return [
    {
      ...kubernetes("proxy", "kube-proxy", { config: inState("proxy.yaml") }),
      configs: [inState("proxy.yaml"), kubeconfigOf("proxy")],
      listens: `http://127.0.0.1:${ports.proxy}`,
      port: ports.proxy,
      ready: answers(`http://127.0.0.1:${ports.proxy}/healthz`),
    },
    {
      name: "coredns",
      command: partCommand("coredns", "coredns"),
      args: ["-conf", inState("Corefile")],
      configs: [inState("Corefile"), kubeconfigOf("coredns")],
      version: corednsVersion,
      listens: `${bridgeAddress}:${ports.dns}`,
      ready: resolvesNames,
    },
    {
      name: "provisioner",
      command: process.execPath,
      args: [provisionerScript(), kubeconfigOf("provisioner"), inState("volumes"), provisionerSocket],
      configs: [kubeconfigOf("provisioner")],
      // A heap of the default size would grow to several times of what it needs.
      env: { NODE_OPTIONS: "--max-semi-space-size=1 --max-old-space-size=64" },
      version: "our own",
      listens: provisionerSocket,
      ready: accepts(provisionerSocket),
    },
  ];
}

/** Docker engine and image registry. */
function engine(): Daemon[] {
  return [
    {
      ...debian("docker-registry", "docker-registry", ["serve", inState("registry.yaml")]),
      configs: [inState("registry.yaml")],
      listens: registry,
      port: ports.registry,
      ready: answers(`http://${registry}/v2/`),
    },
    {
      ...debian("dockerd", "dockerd", [
        // A build downloads nothing, so the engine needs no network of its own, nor rules for one.
        ...flags({ bridge: "none", iptables: "false", "ip-masq": "false", containerd: firstNode.socket }),
        ...flags({ host: `unix://${dockerSocket}`, "data-root": inState("docker") }),
        // No pid file: an engine that was killed leaves it behind, and the next one does not start once another process
        // has that pid.
        ...flags({ "exec-root": join(runDir, "docker"), pidfile: "" }),
        ...flags({ "registry-mirror": `http://${registry}` }),
      ]),
      listens: dockerSocket,
      ready: accepts(dockerSocket),
    },
  ];
}

/** All of them, by name. */
export function daemons(nodes: readonly ClusterNode[]): Record<string, Daemon> {
  const list = [...engine(), ...controlPlane(), ...nodes.flatMap(nodeDaemons), ...shared()];
  return Object.fromEntries(list.map((daemon) => [daemon.name, daemon]));
}
