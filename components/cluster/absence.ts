// A cluster that does not answer, or no longer accepts the credentials: a warning after a minute, then an error.
import { setTimeout as sleep } from "node:timers/promises";
import { oneLine } from "../../config/foreignText.ts";
import { type Cluster, codeOf, isForbidden } from "./client.ts";

const WARN_AFTER_MS = 60_000;
const GIVE_UP_AFTER_MS = 10 * 60_000;
/** Patience of a first look: nothing has begun yet. */
const BRIEF_MS = 20_000;
const POLL_MS = 500;

/** Absence of a cluster, and its length. */
export class Absence {
  readonly #cluster: Cluster;
  readonly #isBrief: boolean;
  #since?: number;
  #isSaid = false;

  constructor(cluster: Cluster, isBrief = false) {
    this.#cluster = cluster;
    this.#isBrief = isBrief;
  }

  /** Notes an answer. */
  end(): void {
    this.#since = undefined;
    this.#isSaid = false;
  }

  /**
   * Notes a call that failed. Credentials that ran out are read again.
   * @returns A warning that was not given yet.
   * @throws Error when it has lasted too long.
   */
  async note(error: unknown, now = performance.now()): Promise<string | undefined> {
    this.#since ??= now;
    if (codeOf(error) === 401) await this.#cluster.renew().catch(() => {});
    const lasts = now - this.#since;
    const line = `${this.#server} ${reasonOf(error)}`;
    if (this.#isBrief && lasts >= BRIEF_MS) throw new Error(`${line}.`, { cause: error });
    if (lasts >= GIVE_UP_AFTER_MS)
      throw new Error(`${line}, for 10 minutes now: the batch goes on without \`up\`, and \`pulumi up\` waits on.`, {
        cause: error,
      });
    if (lasts < WARN_AFTER_MS || this.#isSaid) return undefined;
    this.#isSaid = true;
    return `${line}; asking again.`;
  }

  get #server(): string {
    return `The cluster at ${this.#cluster.config.getCurrentCluster()?.server}`;
  }
}

/**
 * Asks the cluster until it answers.
 * @param denied The line if it may not be asked.
 * @param onWarning Called if it has not answered for a while; without it that is an error.
 * @returns Undefined if there is no such object.
 * @throws Error if it may not be asked, or stays away. A guess instead might run things again.
 */
export async function answerOf<T>(
  cluster: Cluster,
  ask: () => Promise<T>,
  denied: string,
  onWarning?: (line: string) => void,
): Promise<T | undefined> {
  for (const absence = new Absence(cluster, !onWarning); ; await sleep(POLL_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) === 404) return undefined;
      if (isForbidden(error)) throw new Error(denied, { cause: error });
      const warning = await absence.note(error);
      if (warning) onWarning?.(warning);
    }
  }
}

/** Reason why a call failed: `does not answer: connect ECONNREFUSED …`. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === 401) return "no longer takes the credentials of the kubeconfig: log in again";
  if (typeof code === "number") return `answers ${code}`;
  const { cause, message } = error as Error & { cause?: Error };
  const words = (cause?.message || message).trim().split("\n").at(-1);
  return `does not answer: ${oneLine(words ?? "")}`;
}
