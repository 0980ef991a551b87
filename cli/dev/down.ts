// `npm run down`: takes away what `npm start` made, and the local platform with it.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { firstLine } from "../errors.ts";
import { forget } from "../stack/location.ts";
import { capturePulumi, showPulumi } from "../stack/pulumi.ts";
import { devStack, script } from "./devStack.ts";

try {
  const location = devStack();
  if (existsSync(location.configFile)) {
    const exitCode = await showPulumi(location, ["destroy", "--yes", "--skip-preview", "--non-interactive"]);
    // A platform that was stopped, or a stack that is gone, is no reason not to go on: it all lies in the platform's
    // folder.
    if (exitCode !== 0) console.error("down: the stack stays: see above");
    else {
      // Without `--preserve-config`, Pulumi would delete the checkout's settings too.
      await capturePulumi(location, ["stack", "rm", "--yes", "--preserve-config"]);
      rmSync(join(location.configFile, ".."), { recursive: true, force: true });
      forget();
      console.log("What stays: the image in the platform's registry. Results went with Redis.");
    }
  }
  const { exitCode } = await script("local/platform.ts", "down");
  process.exitCode = exitCode ?? 1;
} catch (error) {
  console.error(`down: ${firstLine(error)}`);
  process.exit(1);
}
