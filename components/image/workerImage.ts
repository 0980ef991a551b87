import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { bundle } from "./bundle.ts";

/** Arguments of {@link WorkerImage}. */
export interface WorkerImageArgs {
  /** Its name, with the registry to push it to: `ghcr.io/you/job-wq-2`. */
  imageName: string;
  /** Push it; else the cluster is expected to see the engine's own images. */
  push: boolean;
  /** `linux/amd64`: of the cluster's nodes, not of this machine. */
  platform: string;
  /** What it is built on. */
  baseImage: string;
  /** For the push; default: the machine's own `docker login`. */
  login?: { server: string; username: string; password: pulumi.Input<string> };
}

/** What a Pod needs to run an image. */
export interface RunnableImage {
  /** Reference that pins exactly one image, where there is a registry. */
  reference: pulumi.Input<string>;
  /** `IfNotPresent` where only the node itself has the image. */
  pullPolicy?: string;
  /** Changes with the image, also where the reference does not. */
  id: pulumi.Input<string>;
}

/** Whether an image brings Node.js, by its name. */
export const hasNode = (image: string) => /(^|\/)node(:|@|$)/.test(image);

/** Builds the image `job-wq-2` from the checkout and pushes it. Unchanged sources build and push nothing. */
export class WorkerImage extends pulumi.ComponentResource {
  readonly image: RunnableImage;

  /**
   * @param name Name of the component; its child is named after it.
   * @param args What to build, and where to push it.
   * @param opts Options of the component.
   * @throws BadHandler where worker/handler.ts does not compile.
   */
  constructor(name: string, args: WorkerImageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workqueue:index:WorkerImage", name, args, opts);
    const context = bundle();
    const image = new docker.Image(
      `${name}-image`,
      {
        imageName: args.imageName,
        skipPush: !args.push,
        build: {
          context,
          dockerfile: `${context}/Dockerfile`,
          platform: args.platform,
          args: { BASE_IMAGE: args.baseImage, KIND: hasNode(args.baseImage) ? "node" : "other" },
        },
        ...(args.login && { registry: args.login }),
      },
      { parent: this },
    );
    // With a push it is name@digest, which pins it; without it is the id of an image only the engine has.
    this.image = args.push
      ? { reference: image.repoDigest, id: image.repoDigest }
      : { reference: args.imageName, pullPolicy: "IfNotPresent", id: image.repoDigest };
    this.registerOutputs({});
  }
}
