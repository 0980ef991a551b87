// Folders and files of the platform. There is one platform a machine, and nothing of it lives in a checkout.
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
