// `wq cancel`: items are given up, whether they wait or run.
import { userInfo } from "node:os";
import { jsonLine } from "../../config/foreignText.ts";
import { itemBytes, itemText } from "../../queue/index.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { withBatch } from "../stack/openQueue.ts";
import { oneLine, pluralize } from "../view/format.ts";

interface CancelOptions extends QueueOptions {
  match?: string;
  all?: boolean;
  json?: boolean;
}

/** The person who cancels, for the kept reason. */
export function whoami(): string {
  try {
    return userInfo().username;
  } catch {
    return "somebody"; // a user id without a name
  }
}

/** The items to cancel. @throws UserError unless they are named in exactly one way. */
function chosen(item: string | undefined, { match, all }: CancelOptions): (payload: Buffer) => boolean {
  if ([item, match, all].filter((one) => one !== undefined).length !== 1 || match === "")
    throw new UserError("say which items: the text of one, --match TEXT, or --all");
  if (item !== undefined) {
    const wanted = itemBytes(item);
    return (payload) => payload.equals(wanted);
  }
  return match === undefined ? () => true : (payload) => itemText(payload).includes(match);
}

export default queueCommand({
  name: "cancel",
  description: `Gives up items for good. A waiting item is never started. A running item is told within 3 s, and ended if it does not stop. What is done stays done. Only \`${wq("retry")}\` runs them again.`,
  examples: [
    ["cancel banana", "every item of this text that is not over"],
    ["cancel --match thumbs/", "items whose text contains `thumbs/`"],
    ["cancel --all", "all that is not over"],
  ],
  exitCodes: { [EXIT_OK]: "cancelled", [EXIT_FAILED]: "no such item was left to cancel" },
})
  .argument("[item]", "the item's text")
  .option("-m, --match <text>", "items whose text contains this")
  .option("-a, --all", "every item that is not over")
  .option("--json", "one line of JSON")
  .action(async (item: string | undefined, options: CancelOptions) => {
    const which = chosen(item, options);
    await withBatch(options, async ({ admin, queue, ensureOwn }) => {
      await ensureOwn();
      const cancelled = await admin.cancel(which, whoami());
      process.exitCode = cancelled > 0 ? EXIT_OK : EXIT_FAILED;
      if (options.json) console.log(jsonLine({ queue, cancelled }));
      else if (cancelled > 0) console.log(`Cancelled ${pluralize(cancelled, "item")}.`);
      else
        console.log(
          `Nothing to cancel: ${item === undefined ? "no such item is left" : `${oneLine(item)} is not there, or is over`}.`,
        );
    });
  });
