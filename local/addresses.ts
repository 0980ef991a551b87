// Addresses and ports of the platform: of its pods, services and daemons.
export const bridge = "jobwq2";
export const bridgeAddress = "10.244.0.1";
/** All addresses that pods may have. */
export const podRange = "10.244.0.0/16";
export const podSubnet = "10.244.0.0/24";
export const serviceSubnet = "10.96.0.0/16";
export const registry = "127.0.0.1:5000";
/** Registry with a login that the tests may start; containerd and dockerd speak plain HTTP to it. */
export const secondRegistry = "127.0.0.1:5001";
/** Ports of the daemons. Those of the nodes are in node/nodes.ts. */
export const ports = {
  registry: 5000,
  etcd: 2379,
  etcdPeer: 2380,
  apiserver: 6443,
  controllerManager: 10257,
  scheduler: 10259,
  proxy: 10256,
  dns: 53,
};
