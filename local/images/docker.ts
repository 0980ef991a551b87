// Which Docker engine the platform uses: the machine's, where it answers and has the base image, or one of its own.
import { execa } from "execa";
import { dockerSocket } from "../paths.ts";
import { running } from "../node/daemon.ts";

export interface DockerEngine {
  /** Value for DOCKER_HOST. */
  host: string;
  /** Started by the platform. */
  ours: boolean;
}

/** The engine that the platform starts. */
export const own: DockerEngine = { host: `unix://${dockerSocket}`, ours: true };

/** Looks at the user's engine once; when ours runs already, that choice stands. */
export async function findDocker(): Promise<DockerEngine> {
  if (running("dockerd")) return own;
  const host = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
  if (host === own.host) return own;
  const docker = (args: string[], timeout: number) =>
    execa("docker", args, { env: { DOCKER_HOST: host }, reject: false, timeout });
  if ((await docker(["version"], 5_000)).failed) return own;
  const there = !(await docker(["image", "inspect", "node:24-slim"], 5_000)).failed;
  if (there || !(await docker(["pull", "--quiet", "node:24-slim"], 120_000)).failed) return { host, ours: false };
  return own;
}
