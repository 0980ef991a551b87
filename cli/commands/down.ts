// `npm run down`: what `npm start` made, and the local platform with it.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { devHome, script } from "../stack/devStack.ts";
import { forget, pulumi } from "../stack/stack.ts";
import { firstLine } from "../errors.ts";

try {
  const home = devHome();
  if (existsSync(home.configFile)) {
    const { exitCode, stderr } = await pulumi(
      home,
      ["destroy", "--yes", "--skip-preview", "--non-interactive", "--config-file", home.configFile],
      { reject: false, stdout: "inherit", stderr: ["inherit", "pipe"] },
    );
    // A platform that was stopped, or a stack that is gone, is no reason not to go on: it all lies in the platform's folder.
    if (exitCode !== 0) console.error(`down: the stack stays: ${firstLine(String(stderr))}`);
    else {
      // Without this, Pulumi would delete the checkout's settings too.
      await pulumi(home, ["stack", "rm", "--yes", "--preserve-config"], { reject: false });
      rmSync(join(home.configFile, ".."), { recursive: true, force: true });
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
