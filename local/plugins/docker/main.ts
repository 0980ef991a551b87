// The local platform's own `docker` plugin: `docker:index/image:Image`, on this machine's engine and registries.
import { isDeepStrictEqual } from "node:util";
import { type Provider, serve } from "../serve.ts";
import { type Fields, plain, settled } from "../values.ts";
import { pluginVersions } from "../../pluginVersions.ts";
import { contextDigest } from "./context.ts";
import { build, type Build, connect, type Login, push, registryOf } from "./engine.ts";

function onlyImages(urn: string): void {
  const type = urn.split("::")[2]!.split("$").at(-1)!;
  if (type !== "docker:index/image:Image") {
    throw new Error(
      `The local platform's docker plugin has no ${type}, only docker:index/image:Image; use the official plugin`,
    );
  }
}

interface Image {
  imageName: string;
  skipPush?: boolean;
  build: Build;
  registry?: { server?: string; username?: string; password?: string };
}

async function make(inputs: Fields): Promise<Fields> {
  const { imageName, skipPush, build: how, registry } = plain(inputs) as unknown as Image;
  const docker = await connect();
  const id = await build(docker, imageName, how);
  const login: Login | undefined = registry && { ...registry, serveraddress: registry.server ?? "" };
  const repoDigest = skipPush ? id : await push(docker, imageName, login);
  return { ...inputs, baseImageName: imageName, registryServer: registryOf(imageName), repoDigest, __inputs: inputs };
}

/** Credentials rotate: they are no reason to build. */
const comparable = (inputs: Fields) => ({ ...(plain(inputs) as Fields), registry: null });

const provider: Provider = {
  version: pluginVersions.docker,

  async check(urn, news) {
    onlyImages(urn);
    const inputs = settled(news) as Fields;
    const how = inputs.build as Fields;
    return { ...inputs, build: { ...how, contextDigest: contextDigest(String(how.context), String(how.dockerfile)) } };
  },

  diff: (olds, news) =>
    Promise.resolve(!isDeepStrictEqual(comparable((olds.__inputs ?? olds) as Fields), comparable(news))),

  async create(inputs, preview) {
    if (preview) return { id: "", outs: inputs };
    const outs = await make(inputs);
    return { id: String(plain(outs.repoDigest)), outs };
  },

  update: (news, preview) => (preview ? Promise.resolve(news) : make(news)),

  // The image stays in its registry, but a daemon must answer, as for the official plugin.
  async delete() {
    await connect();
  },
};

await serve(provider);
