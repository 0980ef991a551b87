// Texts of the daemons' configuration files. docs/local-platform.md says more about the values that are not defaults.
import { stringify } from "yaml";
import { bridge, bridgeAddress, podRange, podSubnet, ports, registry, secondRegistry } from "../addresses.ts";
import { stateDir } from "../paths.ts";
import { podResolverFile } from "./network.ts";
import { type ClusterNode, firstNode } from "./nodes.ts";

/** containerd 1.6 or later. `certs.d` sends the pulls of unmodified names to the local registry. */
export function containerdConfig({ root, state, socket }: ClusterNode): string {
  return `version = 2
root = "${root}"
state = "${state}"
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${registry}/pause:3.10"
  # A container without CAP_SYS_RESOURCE cannot lower a process's OOM score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${stateDir}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${stateDir}/certs.d"
`;
}

/** Target of pulls, for each registry host. Names without a host come from the local registry. */
export function registryHosts(): Record<string, string> {
  const host = (server: string) => `[host."http://${server}"]\n  capabilities = ["pull", "resolve"]\n`;
  return {
    "docker.io": host(registry),
    [registry]: `server = "http://${registry}"\n${host(registry)}`,
    [secondRegistry]: `server = "http://${secondRegistry}"\n${host(secondRegistry)}`,
  };
}

/** One bridge with addresses by host-local for the pods of all nodes. It enforces no NetworkPolicy. */
export function cniConfig(): string {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: podSubnet }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: `${stateDir}/cni-addresses`,
  };
  return JSON.stringify({
    cniVersion: "0.4.0",
    name: "job-wq-2",
    plugins: [
      { type: "bridge", bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
}

export function kubeletConfig({ socket, podLogs, cgroup, ports }: ClusterNode): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${stateDir}/pki/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${cgroup}`,
    containerRuntimeEndpoint: `unix://${socket}`,
    podLogsDir: podLogs,
    address: bridgeAddress,
    port: ports.kubelet,
    healthzPort: ports.healthz,
    clusterDNS: [bridgeAddress],
    clusterDomain: "cluster.local",
    resolvConf: podResolverFile(),
    failSwapOn: false,
    failCgroupV1: false,
    registerNode: true,
    syncFrequency: "10s",
    // A new node is Ready at its second status, which by default takes ten seconds.
    nodeStatusUpdateFrequency: "2s",
    nodeStatusReportFrequency: "5m",
    // The platform shares the machine's disk, so the kubelet must not act when that is full.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  });
}

/** One kube-proxy writes the rules for the pods of all nodes, which are behind one bridge. */
export function proxyConfig(): string {
  return stringify({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clientConnection: { kubeconfig: `${stateDir}/proxy.kubeconfig` },
    clusterCIDR: podRange,
    healthzBindAddress: `127.0.0.1:${ports.proxy}`,
    metricsBindAddress: "127.0.0.1:10249",
    // Node ports are on the bridge alone. On 127.0.0.1, the kernel would have to route packets for loopback.
    nodePortAddresses: [podSubnet],
    iptables: { localhostNodePorts: false },
    // Leaves the kernel's limits of connection tracking as they are, since a container may not set them.
    conntrack: { maxPerCore: 0 },
    hostnameOverride: firstNode.name,
  });
}

/** CoreDNS on the bridge's address. Names outside the cluster go to the machine's own resolver, if it has one. */
export function corefile(resolver: boolean): string {
  return `.:${ports.dns} {
  bind ${bridgeAddress}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${stateDir}/coredns.kubeconfig
  }
${resolver ? "  forward . /etc/resolv.conf\n" : ""}  cache 5
}
`;
}

export function registryConfig(): string {
  return stringify({
    version: "0.1",
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${stateDir}/registry` }, delete: { enabled: true } },
    http: { addr: registry },
  });
}
