// `npm run down`: what `npm start` made, and the local platform with it.
import { existsSync } from "node:fs";
import { devHome, script } from "./home.ts";
import { forget, pulumi } from "./stack.ts";
import { firstLine } from "./trouble.ts";

try {
  const home = devHome();
  if (existsSync(home.configFile)) {
    const destroy = ["destroy", "--yes", "--skip-preview", "--non-interactive", "--remove", "--config-file", home.configFile];
    const { exitCode, stderr } = await pulumi(home, destroy, { reject: false, stdout: "inherit", stderr: ["inherit", "pipe"] });
    // A platform that was stopped, or a stack that is gone, is no reason not to go on: it all lies in the platform's folder.
    if (exitCode !== 0) console.error(`down: the stack stays: ${firstLine(String(stderr))}`);
    else forget();
  }
  const { exitCode } = await script("local/platform.ts", "down");
  process.exitCode = exitCode ?? 1;
} catch (error) {
  console.error(`down: ${firstLine(error)}`);
  process.exit(1);
}
