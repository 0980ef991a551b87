// `npm run platform -- up | down | status | env`
import Table from "cli-table3";
import { Command } from "commander";
import prettyMs from "pretty-ms";
import { running } from "./node/daemon.ts";
import { daemons } from "./node/services.ts";
import { debianVersion } from "./host/apt.ts";
import { own } from "./images/docker.ts";
import { down } from "./down.ts";
import { environment, exportLines } from "./host/environment.ts";
import { alone } from "./host/lock.ts";
import { nodeAddress } from "./host/preflight.ts";
import { logFile } from "./host/exec.ts";
import { Trouble } from "./errors.ts";
import { up } from "./up.ts";

// Where Debian keeps daemons and Go installs itself; a shell's PATH may look at neither.
process.env.PATH += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin";

const plain = !process.stdout.isTTY;
const waiting = () => console.log("another `platform` command is at work on this machine; waiting for it");

/** Prints one line for each part; exit code 1 when one of them does not run. */
async function status(): Promise<void> {
  const table = new Table({ head: ["part", "state", "since", "version", "listens"], style: { head: [], border: [] } });
  let all = true;
  const engine = environment().DOCKER_HOST ?? own.host;
  for (const daemon of Object.values(daemons(nodeAddress()))) {
    if (daemon.name === "dockerd" && engine !== own.host) {
      table.push(["Docker engine", "the machine's", "", "", engine]);
      continue;
    }
    const noted = running(daemon.name);
    const serves = noted ? await daemon.ready().catch(() => false) : false;
    all &&= serves;
    const state = serves ? "running" : noted ? "does not answer" : "stopped";
    const since = noted ? prettyMs(Date.now() - noted.since, { compact: true }) : "";
    table.push([daemon.name, state, since, daemon.version ?? (await debianVersion(daemon.name)), daemon.listens]);
  }
  console.log(table.toString());
  if (!all) process.exitCode = 1;
}

const program = new Command("platform").description(
  "The local platform: Docker engine, registry, one-node Kubernetes, Pulumi. One a machine, for the first run and the tests.",
);
program
  .command("up")
  .description("bring it up; seconds when it runs already")
  .action(() => alone(() => up(plain), waiting));
program
  .command("down")
  .description("stop everything it started; what was built stays in the cache")
  .action(async () => console.log(await alone(down, waiting)));
program.command("status").description("each part: running, since when, version, where it listens").action(status);
program
  .command("env")
  .description('exports for your own shell: eval "$(npm run -s platform env)"')
  .option("--json", "as JSON, for a program")
  .action(({ json }: { json?: boolean }) => console.log(json ? JSON.stringify(environment()) : exportLines()));

try {
  await program.parseAsync();
} catch (error) {
  const message = (error as Error).message.split("\n")[0];
  console.error(error instanceof Trouble ? `platform: ${message}` : `platform: ${message} (all of it: ${logFile})`);
  process.exit(1);
}
