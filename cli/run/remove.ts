import { pulumiError, runStack } from "./runStack.ts";

/** Removes everything that a run created. @throws UserError of one line. */
export async function remove(name: string): Promise<void> {
  try {
    const stack = await runStack(name, async () => {});
    await stack.cancel().catch(() => {}); // a lock that a killed run left
    await stack.destroy();
    await stack.workspace.removeStack(name);
  } catch (error) {
    throw pulumiError(error);
  }
}
