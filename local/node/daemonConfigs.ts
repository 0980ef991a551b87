// The texts that the daemons read. Why each unusual value is there: DESIGN, section 7 (cgroup v1, no systemd, no CAP_SYS_RESOURCE).
import { stringify } from "yaml";
import {
  bridge,
  bridgeAddress,
  containerdSocket,
  nodeName,
  podSubnet,
  registry,
  runDir,
  secondRegistry,
} from "../paths.ts";

/** containerd 1.6: pulls unmodified names from the local registry, as `certs.d` says. */
export function containerdConfig(stateDir: string): string {
  return `version = 2
root = "${stateDir}/containerd"
state = "${runDir}/containerd"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${registry}/pause:3.10"
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

/** For each registry host: where its pulls go. `docker.io` names come from the local registry. */
export function registryHosts(): Record<string, string> {
  const host = (server: string) => `[host."http://${server}"]\n  capabilities = ["pull", "resolve"]\n`;
  return {
    "docker.io": host(registry),
    [registry]: `server = "http://${registry}"\n${host(registry)}`,
    [secondRegistry]: `server = "http://${secondRegistry}"\n${host(secondRegistry)}`,
  };
}

/** A bridge with addresses by host-local. It enforces no NetworkPolicy. */
export function cniConfig(stateDir: string): string {
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

export function kubeletConfig(stateDir: string): string {
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
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    podLogsDir: `${stateDir}/pod-logs`,
    clusterDNS: [bridgeAddress],
    clusterDomain: "cluster.local",
    failSwapOn: false,
    failCgroupV1: false,
    registerNode: true,
    syncFrequency: "10s",
    // The machine's disk is not the platform's to judge.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  });
}

export function proxyConfig(stateDir: string): string {
  return stringify({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clientConnection: { kubeconfig: `${stateDir}/proxy.kubeconfig` },
    clusterCIDR: "10.244.0.0/16",
    conntrack: { maxPerCore: 0 },
    hostnameOverride: nodeName,
  });
}

/** CoreDNS on the bridge's address; names outside the cluster go to the machine's own resolver, where it has one. */
export function corefile(stateDir: string, resolver: boolean): string {
  return `.:53 {
  bind ${bridgeAddress}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${stateDir}/coredns.kubeconfig
  }
${resolver ? "  forward . /etc/resolv.conf\n" : ""}  cache 5
}
`;
}

export function registryConfig(stateDir: string): string {
  return stringify({
    version: "0.1",
    log: { accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: `${stateDir}/registry` }, delete: { enabled: true } },
    http: { addr: registry },
  });
}
