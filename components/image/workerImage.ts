import { isAbsolute, relative } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { checkImage, checkPushable } from "../../config/checks.ts";
import { registryOf } from "../../config/parse/imageReference.ts";
import { imageSettings } from "../../config/settings.ts";
import type { ImageSettings } from "../args.ts";
import { unlisted } from "../engine.ts";
import { checked, OwnChecks } from "../programChecks.ts";
import { later, readArgs } from "../readArgs.ts";
import type { Known } from "../types.ts";
import { dockerProvider } from "./dockerProvider.ts";
import { checkExist, checkPaths, stageWorker, type UserFiles } from "./buildContext.ts";
import { isPython, PYTHON_IMAGE } from "./python.ts";
import { checkFits, type Code, fits, readCode } from "./codeVolume.ts";
import { BROUGHT_NODE, hasNode } from "./layout.ts";

/** Arguments of {@link WorkerImage}. */
export interface WorkerImageArgs extends ImageSettings {
  /**
   * File whose default export handles an item, `./thumbnail.ts`, relative to the program. Without one every Batch of
   * the image needs a `command`.
   */
  handler?: string;
  /** File of packages that a handler in Python needs, `./requirements.txt`; wheels may lie in `files`. */
  requirements?: string;
  /** Folder whose content is in `/work`, which is the working directory then; relative to the program. */
  files?: string;
}

/** An image as pods run it. */
export interface RunnableImage {
  /** Reference that pins exactly one image, if there is a registry. */
  reference: pulumi.Input<string>;
  /** `IfNotPresent` if only the node itself has the image. */
  pullPolicy?: string;
  /** Changes with the image, even if the reference does not. */
  id: pulumi.Input<string>;
  /** Command that starts Node.js in the image. */
  node: string[];
  /** The user's programs run below its ENTRYPOINT, whose variables they inherit. */
  entrypoint: boolean;
  /** Code that a ConfigMap brings, if no image was built. */
  code?: Code;
}

/** Login to the image's registry. */
export interface RegistryLogin {
  server: Known<string>;
  username: pulumi.Input<string>;
  password: pulumi.Input<string>;
}

/** Options to build and push an image; the image that carries a long list of items uses the same. */
export interface BuildOptions {
  imageName: Known<string>;
  push: boolean;
  platform: Known<string>;
  baseImage: Known<string>;
  nodeImage: Known<string>;
  login: RegistryLogin | undefined;
  /** The Docker provider of the component, if it has one. */
  provider: pulumi.ProviderResource | undefined;
}

/**
 * The image that runs a Batch. With `imageName` it is built and pushed; with `image` it is ready-made; with neither
 * nothing is built, and the code runs in `baseImage` as it is. Unchanged sources change nothing.
 */
export class WorkerImage extends pulumi.ComponentResource {
  readonly image: RunnableImage;
  /** Login with which pods pull it. */
  readonly login: RegistryLogin | undefined;
  /** Name of an existing pull Secret. */
  readonly pullSecret: pulumi.Input<string> | undefined;
  /** Path of the handler, for messages; unknown for a ready-made image. */
  readonly handler: string | undefined;
  /** Build options of the image; undefined if none is built. */
  readonly build: BuildOptions | undefined;
  /** True if `files` are in its working directory. */
  readonly hasFiles: boolean;
  /** True if the image was made elsewhere, with or without a handler. */
  readonly isReadyMade: boolean;

  /**
   * @param name Name of the component; its child is named after it.
   * @param args Which image, or how to build it.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used, or a handler that does not compile.
   */
  constructor(name: string, args: WorkerImageArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const component = `WorkerImage ${name}`;
    const settings = readArgs(component, imageSettings, args, ["handler", "files", "requirements"]);
    const { image, push, nodeImage, registryUsername: username, registryPassword: password } = settings;
    const imageName = settings.imageName && later(settings.imageName, pushable(component, push));
    checked(component, () => checkPaths(args));
    const ownImage = isPython(args.handler) ? PYTHON_IMAGE : imageSettings.nodeImage.default;
    const baseImage = settings.baseImage ?? ownImage;
    const ownNode = bringsNode(baseImage, nodeImage);
    if (imageName !== undefined) checked(component, dockerProvider);
    const user: UserFiles = { handler: args.handler, files: args.files, requirements: args.requirements };
    checked(component, () => {
      checkImage({ ...args });
      if (image === undefined) checkExist(user);
    });
    const staged = image === undefined ? checked("", () => stageWorker(name, user)) : undefined;
    const code =
      staged !== undefined && imageName === undefined
        ? checked(component, () => stageCode(name, user, staged, ownNode ? undefined : nodeImage))
        : undefined;
    super("job-wq-2:index:WorkerImage", name, {}, new OwnChecks().options(opts));
    const server = later(imageName ?? image ?? baseImage, registryOf);
    this.login = username && password ? { server, username, password } : undefined;
    this.pullSecret = settings.pullSecret;
    this.isReadyMade = image !== undefined;
    this.handler = this.isReadyMade ? undefined : fromHere(args.handler);
    this.hasFiles = !this.isReadyMade && args.files !== undefined;
    const { entrypoint } = settings;
    if (imageName === undefined) {
      this.image = code
        ? { reference: baseImage, id: code.digest, code, node: ownNode ? ["node"] : BROUGHT_NODE, entrypoint }
        : { reference: image!, id: image!, node: BROUGHT_NODE, entrypoint };
    } else {
      const { platform } = settings;
      const provider = this.getProvider("docker:index/image:Image");
      this.build = { imageName, push, platform, baseImage, nodeImage, login: this.login, provider };
      const built = this.#built(name, staged!, this.build, ownNode, user.requirements !== undefined);
      this.image = { ...built, node: BROUGHT_NODE, entrypoint };
    }
    unlisted(this, "image", "login", "build", "hasFiles");
    this.registerOutputs({ reference: this.image.reference });
  }

  #built(name: string, context: string, build: BuildOptions, ownNode: boolean, downloads: boolean) {
    const { imageName, push, platform, baseImage, nodeImage, login } = build;
    const { Image } = dockerProvider();
    const image = new Image(
      `${name}-image`,
      {
        imageName,
        skipPush: !push,
        build: {
          context,
          dockerfile: `${context}/Dockerfile`,
          platform,
          // worker/Dockerfile downloads nothing else, and an engine may have no network.
          network: downloads ? undefined : "none",
          args: { BASE_IMAGE: baseImage, NODE_IMAGE: nodeImage, KIND: ownNode ? "node" : "other" },
        },
        registry: login,
      },
      { parent: this },
    );
    // With a push this is name@digest, which pins it; without, the id of an image that only the engine has.
    const id = image.repoDigest;
    return push ? { reference: id, id } : { reference: imageName, pullPolicy: "IfNotPresent", id };
  }
}

/** True if the base image has Node.js. If its name is an output, that is known only if `nodeImage` is the same. */
const bringsNode = (base: Known<string>, nodeImage: Known<string>): boolean =>
  base === nodeImage || (typeof base === "string" && hasNode(base));

/** A relative path. It is in the workers' settings, so it must be the same in a checkout on another machine. */
const fromHere = (path: string | undefined) => (path && isAbsolute(path) ? relative("", path) : path);

const pushable = (component: string, push: boolean) => (name: string) =>
  checked(component, () => checkPushable(name, push));

/** The code for a ConfigMap: readable if that fits, else minified. */
function stageCode(name: string, files: UserFiles, staged: string, nodeImage: Known<string> | undefined): Code {
  const code = readCode(staged, nodeImage);
  if (fits(code)) return code;
  const small = readCode(stageWorker(name, files, true), nodeImage);
  checkFits(small);
  return small;
}
