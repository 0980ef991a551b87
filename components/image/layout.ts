// Places of this project's files in a container: one folder that no image uses, so that programs of the image find
// their own files unchanged.
import { own } from "./ownFiles.ts";

/** The bundled programs. */
export const CODE_DIR = "/job-wq-2/code";
/** Node.js with its loader and libraries, if the image has none. */
export const NODE_DIR = "/job-wq-2/node";
/** Python packages of `requirements`. */
export const PACKAGES_DIR = "/job-wq-2/packages";
/** The user's `files`: the working directory if there are any. */
export const WORK_DIR = "/work";

/** Copies Node.js out of an image that has it. */
export const COPY_NODE = own("components/image/copy-node.sh");

/**
 * Starts the Node.js that was brought along, by the loader that came with it. It needs nothing of the image, not even a
 * C library, and no variable that the user's programs would see.
 */
export const BROUGHT_NODE = [`${NODE_DIR}/start`, "--library-path", NODE_DIR, `${NODE_DIR}/node`];

/** The first Node.js that runs our programs. */
export const OLDEST_NODE = 22;

/** True if an image brings a Node.js that runs our programs, by its name: `node:20` brings one for the user's alone. */
export function hasNode(image: string): boolean {
  const [name, tag = ""] = /(?:^|\/)node(?=[:@]|$)(?::([\w.-]+))?/.exec(image) ?? [];
  const version = /^\d+/.exec(tag)?.[0];
  return name !== undefined && !(Number(version) < OLDEST_NODE);
}
