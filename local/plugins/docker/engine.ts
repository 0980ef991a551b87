// Builds and pushes with the Docker engine that DOCKER_HOST names.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { pack } from "tar-fs";

/** Inputs of a build. */
export interface Build {
  context: string;
  /** Seen from the project, as the context. */
  dockerfile: string;
  platform?: string;
  /** Network of RUN instructions; default: the engine's choice. */
  network?: string;
  args?: Record<string, string>;
}

export interface Login {
  username?: string;
  password?: string;
  serveraddress?: string;
}

interface Progress {
  error?: string;
  aux?: { Digest?: string; ID?: string };
}

function follow(docker: Docker, stream: NodeJS.ReadableStream, what: string): Promise<Progress[]> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, lines: Progress[]) => {
      const failed = error?.message ?? lines.find((line) => line.error)?.error;
      if (failed) reject(new Error(`${what}: ${failed}`));
      else resolve(lines);
    });
  });
}

/** The host of an image's registry; `docker.io` if it has none. */
export function registryOf(image: string): string {
  const [first, ...rest] = image.split("/");
  return rest.length > 0 && (first!.includes(".") || first!.includes(":") || first === "localhost")
    ? first!
    : "docker.io";
}

/** Only the platform's own registries are pushed to: everything else is the official plugin's business. */
export function refuseOthers(image: string): void {
  const host = registryOf(image);
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) {
    throw new Error(
      `The local platform's docker plugin pushes to registries on this machine only, and ${image} is at ${host}: install the official plugin (pulumi plugin install resource docker)`,
    );
  }
}

/** The machine's own `docker login` for a registry. */
function hostLogin(registry: string): Login {
  try {
    const file = join(process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
    const { auths = {} } = JSON.parse(readFileSync(file, "utf8")) as { auths?: Record<string, { auth?: string }> };
    const [username, password] = Buffer.from(auths[registry]?.auth ?? "", "base64")
      .toString()
      .split(/:(.*)/s);
    return username ? { username, password: password ?? "", serveraddress: registry } : {};
  } catch {
    return {};
  }
}

export async function connect(): Promise<Docker> {
  const docker = new Docker();
  await docker.ping().catch((error: Error) => {
    throw new Error(
      `failed to connect to any docker daemon: ${error.message}; start Docker, or use \`image\`, which needs none`,
    );
  });
  return docker;
}

/** Builds an image under a name; answers its id. */
export async function build(
  docker: Docker,
  name: string,
  { context, dockerfile, platform, network, args }: Build,
): Promise<string> {
  const inside = dockerfile.startsWith(`${context}/`) ? dockerfile.slice(context.length + 1) : dockerfile;
  const stream = await docker.buildImage(
    pack(context) as unknown as NodeJS.ReadableStream,
    {
      t: name,
      dockerfile: inside,
      buildargs: args ?? {},
      ...(platform && { platform }),
      ...(network && { networkmode: network }),
    } as Docker.ImageBuildOptions,
  );
  await follow(docker, stream, "error building image");
  return (await docker.getImage(name).inspect()).Id;
}

/** Pushes it; answers `name@digest`. */
export async function push(docker: Docker, name: string, login: Login | undefined): Promise<string> {
  refuseOthers(name);
  const authconfig = login?.username ? login : hostLogin(registryOf(name));
  const stream = await docker.getImage(name).push({ authconfig: authconfig as Docker.AuthConfig });
  const lines = await follow(docker, stream, "error reading push output");
  const digest = lines.findLast((line) => line.aux?.Digest)?.aux?.Digest;
  if (!digest) throw new Error(`error reading push output: no digest for ${name}`);
  return `${name.replace(/:[\w.-]+$/, "")}@${digest}`;
}
