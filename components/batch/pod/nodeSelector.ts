// The nodes that may run the pods of a batch.
import type { WorkerImage } from "../../image/workerImage.ts";
import type { Labels } from "../../labels.ts";
import { later } from "../../readArgs.ts";
import type { Known } from "../../types.ts";

const ARCHITECTURE = "kubernetes.io/arch";
/** For clusters with nodes of Windows, too. */
const LINUX = { "kubernetes.io/os": "linux" };

/**
 * Node selector of all pods: Linux, and the processor that the image was built for.
 * @param own The user's, for the workers; what it says of the processor holds for all pods.
 */
export function nodeSelector({ build }: WorkerImage, own: Known<Labels> = {}): Known<Labels> {
  return later(own, (own): Labels => {
    if (own[ARCHITECTURE] !== undefined) return { ...LINUX, [ARCHITECTURE]: own[ARCHITECTURE] };
    return build ? { ...LINUX, [ARCHITECTURE]: later(build.platform, (platform) => platform.split("/")[1]!) } : LINUX;
  });
}
