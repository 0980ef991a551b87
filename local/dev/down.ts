// `npm run down`: takes away what `npm start` made, and the local platform with it; with `--here`, the stack `here`.
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { firstLine, UserError } from "../../cli/errors.ts";
import { forget } from "../../cli/stack/location.ts";
import { capturePulumi, showPulumi } from "../../cli/stack/pulumi.ts";
import { type DevStack, devStack, exists, script } from "./devStack.ts";
import { hereStack } from "./here.ts";

/** Destroys the stack, and removes it with its settings. @returns Whether it is gone. */
async function takeAway(location: DevStack): Promise<boolean> {
  const exitCode = await showPulumi(location, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
  if (exitCode !== 0) {
    console.error("down: the stack stays: see above");
    return false;
  }
  // Without `--preserve-config`, Pulumi would delete the checkout's settings too.
  await capturePulumi(location, ["stack", "rm", "--yes", "--preserve-config"]);
  if (location.configFile) rmSync(dirname(location.configFile), { recursive: true, force: true });
  forget(location);
  return true;
}

try {
  const args = process.argv.slice(2);
  if (args.some((arg) => arg !== "--here")) throw new UserError("usage: npm run down [-- --here]");
  if (args.length > 0) {
    const location = hereStack();
    if (!location) throw new UserError("nothing runs here: `npm start -- --here` was not run in this checkout");
    process.exitCode = (await takeAway(location)) ? 0 : 1;
  } else {
    const location = devStack();
    // A platform that was stopped, or a stack that is gone, is no reason not to go on: it all lies in the platform's
    // folder.
    if ((await exists(location).catch(() => false)) && (await takeAway(location)))
      console.log("What stays: the image in the platform's registry. Results went with Redis.");
    const { exitCode } = await script("local/platform.ts", "down");
    process.exitCode = exitCode ?? 1;
  }
} catch (error) {
  console.error(`down: ${firstLine(error)}`);
  process.exit(1);
}
