// Where the platform keeps things, and where its parts listen. One platform a machine: nothing of it lives in a checkout.
import { join } from "node:path";
import envPaths from "env-paths";

const user = envPaths("job-wq-2", { suffix: "" });

/** What was built or downloaded, by the hash of its inputs. May be deleted at any time. */
export const cacheDir = user.cache;

/** What the running platform has written: clusters, images, logs, pids. */
export const stateDir = join(user.log, "platform");

/** Sockets: short paths, gone after a reboot. */
export const runDir = "/run/job-wq-2";

export const logDir = join(stateDir, "log");
export const pidDir = join(stateDir, "pid");
export const pkiDir = join(stateDir, "pki");
export const binDir = join(stateDir, "bin");
export const pulumiHome = join(stateDir, "pulumi");
export const backendDir = join(stateDir, "stacks");
export const volumeDir = join(stateDir, "volumes");

export const kubeconfig = join(stateDir, "kubeconfig");
export const containerdSocket = join(runDir, "containerd.sock");
export const dockerSocket = join(runDir, "docker.sock");

export const nodeName = "job-wq-2";
export const bridge = "jobwq2";
export const bridgeAddress = "10.244.0.1";
export const podSubnet = "10.244.0.0/24";
export const serviceSubnet = "10.96.0.0/16";
export const registry = "127.0.0.1:5000";
/** Where the tests may start a registry of their own, with a login; containerd and dockerd speak plain HTTP to it. */
export const secondRegistry = "127.0.0.1:5001";
export const ports = { registry: 5000, etcd: 2379, etcdPeer: 2380, apiserver: 6443, kubelet: 10250 };
