// Folders and addresses of the platform. There is one platform a machine, and nothing of it lives in a checkout.
import { join } from "node:path";
import envPaths from "env-paths";

const user = envPaths("job-wq-2", { suffix: "" });

/** Cache of builds and downloads, by the hash of their inputs. May be deleted at any time. */
export const cacheDir = user.cache;

/** Files of the running platform: its cluster, images, logs and pids. */
export const stateDir = join(user.log, "platform");

/** Sockets and mounts; empty after a reboot. Short, because a socket's path may have 108 bytes. */
export const runDir = "/run/job-wq-2";

export const logDir = join(stateDir, "log");
export const pidDir = join(stateDir, "pid");
export const pkiDir = join(stateDir, "pki");
export const binDir = join(stateDir, "bin");
export const pulumiHome = join(stateDir, "pulumi");
export const backendDir = join(stateDir, "stacks");

/** Name of a node that was taken away, with its pods, since `npm start` last looked. */
export const lostNode = join(stateDir, "lost-node");

export const kubeconfig = join(stateDir, "kubeconfig");
export const dockerSocket = join(runDir, "docker.sock");

export const bridge = "jobwq2";
export const bridgeAddress = "10.244.0.1";
/** All addresses that pods may have. */
export const podRange = "10.244.0.0/16";
export const podSubnet = "10.244.0.0/24";
export const serviceSubnet = "10.96.0.0/16";
export const registry = "127.0.0.1:5000";
/** Registry with a login that the tests may start; containerd and dockerd speak plain HTTP to it. */
export const secondRegistry = "127.0.0.1:5001";
/** The nodes' own are in node/nodes.ts. */
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
