import pRetry from "p-retry";
import { oneLine } from "../config/foreignText.ts";
import type { Counts, QueueAdmin } from "../queue/index.ts";

/** Events that cause a notification. */
export type Occasion = "finished" | "failed" | "aborted" | "overdue" | "stalled" | "lost";

const TIMEOUT_MS = 10_000;
const RETRIES = 3;

/** Posts the events of a batch to a URL. */
export class Notifier {
  readonly #url: string;
  readonly #batch: string;

  /** @param batch Name of the batch, for people. */
  constructor(url: string, batch: string) {
    this.#url = url;
    this.#batch = batch;
  }

  /**
   * Sends one JSON object; its `text` reads well in Slack and Mattermost.
   * @returns Why it did not arrive, without the URL, which may be secret; undefined if it did.
   */
  async tell(occasion: Occasion, line: string, counts: Counts): Promise<string | undefined> {
    const { total, done, dead, waiting, running, delayed, startedAt, endedAt, now } = counts;
    const seconds = startedAt ? Math.round(((endedAt || now) - startedAt) / 1000) : 0;
    const body = JSON.stringify({
      text: `${SIGNS[occasion]} *${this.#batch}*: ${chatText(line)}`,
      batch: this.#batch,
      event: occasion,
      counts: { total, done, failed: dead, waiting, running, delayed },
      seconds,
    });
    try {
      await pRetry(() => this.#post(body), { retries: RETRIES, minTimeout: 500, maxTimeout: 2_000 });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Notifies once of each event, also after a restart of the supervisor. A failure is a line of the log. */
  async tellOnce(
    supervision: QueueAdmin["supervision"],
    occasion: Occasion,
    line: string,
    counts: Counts,
  ): Promise<void> {
    const event = `${occasion} ${counts.endedAt || counts.done + counts.dead}`;
    if (await supervision.wasNotified(event)) return;
    const trouble = await this.tell(occasion, line, counts);
    if (trouble) console.log(`Warning: notification failed, \`notify\`: ${trouble}`);
    else await supervision.setNotified(event);
  }

  async #post(body: string): Promise<void> {
    const headers = { "content-type": "application/json" };
    let response: Response;
    try {
      response = await fetch(this.#url, {
        method: "POST",
        headers,
        body,
        redirect: "manual", // a redirect leads to an address that the user did not give
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      // The message of fetch may repeat the URL; the code of its cause does not.
      const { name, cause } = error as Error & { cause?: { code?: string } };
      throw new Error(`it cannot be reached (${cause?.code ?? name})`, { cause: error });
    }
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  }
}

/**
 * A line for Slack and Mattermost in which an item mentions nobody and links nowhere. The first character of a mention
 * or a link is followed by a space without width.
 */
function chatText(line: string): string {
  const escaped = oneLine(line).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped.replaceAll(/@|:(?=\/\/)|\](?=\()|www(?=\.)/g, "$&\u200b");
}

const SIGNS: Record<Occasion, string> = {
  finished: ":white_check_mark:",
  failed: ":x:",
  aborted: ":x:",
  lost: ":x:",
  overdue: ":hourglass:",
  stalled: ":warning:",
};
