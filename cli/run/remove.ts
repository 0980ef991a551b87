import { firstLine, UserError } from "../errors.ts";
import { wq } from "../invocation.ts";
import { forget } from "./runs.ts";
import { pulumiError, runStack } from "./runStack.ts";

/** The command that goes on with a run. */
export const attachLine = (name: string): string => `\`${wq(`run --attach ${name}`)}\``;

/** Removes everything that a run created, and forgets it. @throws UserError of one line. */
export async function takeAway(name: string): Promise<void> {
  // A terminal's Ctrl-C ends Pulumi, and that is told.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const stack = await runStack(name, async () => {});
    await stack.cancel().catch(() => {}); // a lock that a killed run left
    await stack.destroy();
    await stack.workspace.removeStack(name);
    forget(name);
  } catch (error) {
    throw new UserError(
      `not everything could be removed: ${firstLine(pulumiError(error))}; try again: ${attachLine(name)}`,
    );
  } finally {
    process.off("SIGINT", ignore);
  }
}
