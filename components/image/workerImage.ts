import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { checkImage } from "../../config/checks.ts";
import { registryOf } from "../../config/imageReference.ts";
import { imageSettings } from "../../config/settings.ts";
import type { ImageSettings } from "../args.ts";
import { afterChecks, checked, readArgs } from "../readArgs.ts";
import type { Known } from "../types.ts";
import { checkExists, checkHandler, stageWorker } from "./bundle.ts";

/** Arguments of {@link WorkerImage}. */
export interface WorkerImageArgs extends ImageSettings {
  /** File whose default export handles an item, `./thumbnail.ts`, relative to the program. Without one every Batch of the image needs a `command`. */
  handler?: string;
  /** Folder whose content is in the image, in the working directory `/work`; relative to the program. */
  files?: string;
}

/** What a pod needs to run an image. */
export interface RunnableImage {
  /** Reference that pins exactly one image, where there is a registry. */
  reference: pulumi.Input<string>;
  /** `IfNotPresent` where only the node itself has the image. */
  pullPolicy?: string;
  /** Changes with the image, also where the reference does not. */
  id: pulumi.Input<string>;
}

/** Login to the image's registry. */
export interface RegistryLogin {
  server: string;
  username: pulumi.Input<string>;
  password: pulumi.Input<string>;
}

/** How an image of the same registry is built and pushed, for what travels in an image of its own. */
export interface BuildOptions {
  imageName: string;
  push: boolean;
  platform: Known<string>;
  baseImage: string;
  login: RegistryLogin | undefined;
}

/** Whether an image brings Node.js, by its name. */
const hasNode = (image: string) => /(^|\/)node(:|@|$)/.test(image);

/** The image that runs a Batch: built from a handler and pushed (`imageName`), or ready-made (`image`). Unchanged sources build and push nothing. */
export class WorkerImage extends pulumi.ComponentResource {
  readonly image: RunnableImage;
  /** Login with which pods pull it. */
  readonly login: RegistryLogin | undefined;
  /** Name of an existing pull Secret. */
  readonly pullSecret: pulumi.Input<string> | undefined;
  /** Path of its handler, for messages; of a ready-made one it is not known. */
  readonly handler: string | undefined;
  /** How it is built; undefined for a ready-made one. */
  readonly build: BuildOptions | undefined;

  /**
   * @param name Name of the component; its child is named after it.
   * @param args Which image, or how to build it.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used, or a handler that does not compile.
   */
  constructor(name: string, args: WorkerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    const component = `WorkerImage ${name}`;
    const settings = readArgs(component, imageSettings, args, ["handler", "files"]);
    checked(component, () => checkImage({ ...args }));
    const handler = args.imageName === undefined ? undefined : args.handler;
    if (handler !== undefined) {
      checked(component, () => checkExists(handler));
      checked("", () => checkHandler(handler));
    }
    super("job-wq-2:index:WorkerImage", name, {}, afterChecks(opts));
    const { imageName, image, registryUsername: username, registryPassword: password } = settings;
    const server = registryOf(imageName ?? image!);
    this.login = username && password ? { server, username, password } : undefined;
    this.pullSecret = settings.pullSecret;
    this.handler = args.handler;
    if (imageName === undefined) {
      this.image = { reference: image!, id: image! };
    } else {
      const { push, platform, baseImage } = settings;
      this.build = { imageName, push, platform, baseImage, login: this.login };
      this.image = this.#built(name, args, this.build);
    }
    this.registerOutputs({ reference: this.image.reference });
  }

  #built(name: string, { handler, files }: WorkerImageArgs, build: BuildOptions): RunnableImage {
    const { imageName, push, platform, baseImage, login } = build;
    const context = checked("", () => stageWorker(name, { handler, files }));
    const image = new docker.Image(
      `${name}-image`,
      {
        imageName,
        skipPush: !push,
        build: {
          context,
          dockerfile: `${context}/Dockerfile`,
          platform,
          args: { BASE_IMAGE: baseImage, KIND: hasNode(baseImage) ? "node" : "other" },
        },
        registry: login,
      },
      { parent: this },
    );
    // With a push this is name@digest, which pins it; without, the id of an image that only the engine has.
    if (push) return { reference: image.repoDigest, id: image.repoDigest };
    return { reference: imageName, pullPolicy: "IfNotPresent", id: image.repoDigest };
  }
}
