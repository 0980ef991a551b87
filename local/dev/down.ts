// `npm run down`: removes everything that `npm start` made, and the local platform.
import { firstLine, UserError } from "../../cli/errors.ts";
import { forget } from "../../cli/stack/findStack.ts";
import { capturePulumi, showPulumi } from "../../cli/stack/pulumi.ts";
import { type DevStack, devStack, exists, script } from "./devStack.ts";

/** Destroys the stack, and removes it; its settings are the checkout's. @returns Whether it is gone. */
async function takeAway(location: DevStack): Promise<boolean> {
  const exitCode = await showPulumi(location, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
  if (exitCode !== 0) {
    console.error("down: the stack stays: see above");
    return false;
  }
  // Without `--preserve-config`, Pulumi would delete the checkout's settings too.
  await capturePulumi(location, ["stack", "rm", "--yes", "--preserve-config"]);
  forget(location);
  return true;
}

try {
  if (process.argv.length > 2) throw new UserError("`npm run down` takes no options");
  const location = devStack();
  // A stopped platform or a missing stack does not matter: everything lies in the platform's folder.
  if ((await exists(location).catch(() => false)) && (await takeAway(location)))
    console.log("What stays: the image in the platform's registry. Results went with Redis.");
  const { exitCode } = await script("local/platform.ts", "down");
  process.exitCode = exitCode ?? 1;
} catch (error) {
  console.error(`down: ${firstLine(error)}`);
  process.exit(1);
}
