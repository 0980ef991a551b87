// The Docker engine of the platform: the machine's, if it answers and has the base image or can pull it; else one that
// the platform starts.
import { execa } from "execa";
import { running } from "../node/daemon.ts";
import { dockerSocket } from "../paths.ts";

export interface DockerEngine {
  /** Value for DOCKER_HOST. */
  host: string;
  /** True if the platform starts it. */
  ours: boolean;
}

/** The engine that the platform starts. */
export const platformEngine: DockerEngine = { host: `unix://${dockerSocket}`, ours: true };

/** Looks for the machine's engine, unless the platform's own runs already. */
export async function findDocker(): Promise<DockerEngine> {
  if (running("dockerd")) return platformEngine;
  const host = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  if (host === platformEngine.host) return platformEngine;
  const docker = (args: string[], timeout: number) =>
    execa("docker", args, { env: { DOCKER_HOST: host }, reject: false, timeout });
  if ((await docker(["version"], 5_000)).failed) return platformEngine;
  const hasImage = !(await docker(["image", "inspect", "node:24-slim"], 5_000)).failed;
  if (hasImage || !(await docker(["pull", "--quiet", "node:24-slim"], 120_000)).failed) return { host, ours: false };
  return platformEngine;
}
