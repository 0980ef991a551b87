// `npm run platform -- up | down | status | env`
import Table from "cli-table3";
import { Command, InvalidArgumentError } from "commander";
import prettyMs from "pretty-ms";
import { down } from "./down.ts";
import { UserError } from "./errors.ts";
import { debianVersion } from "./host/apt.ts";
import { exportLines, platformEnvironment } from "./host/platformEnvironment.ts";
import { logFile } from "./host/exec.ts";
import { withLock } from "./host/lock.ts";
import { platformEngine } from "./images/docker.ts";
import { isServing, running } from "./node/daemon.ts";
import { allNodes, chosenNodes } from "./node/nodes.ts";
import { daemons } from "./node/daemons.ts";
import { pulumiHome } from "./paths.ts";
import { installedPlugins } from "./plugins/install.ts";
import { up } from "./up.ts";
import { kubernetesVersion } from "./versions.ts";

// Debian's daemons and Go are in folders that a shell's PATH may leave out.
process.env.PATH += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin";
// Whatever the umask of the shell is: only root may change what root runs, but pods of other users read some files.
process.umask(0o022);

const plain = !process.stdout.isTTY;
const onWait = () => console.log("another `platform` command is at work on this machine; waiting for it");

function age(name: string): string {
  const record = running(name);
  return record ? prettyMs(Date.now() - record.since, { compact: true }) : "";
}

/** Prints a line for each part, each node and each provider plugin; exit code 1 when one of them does not serve. */
async function status(): Promise<void> {
  const table = new Table({ head: ["part", "state", "since", "version", "listens"], style: { head: [], border: [] } });
  const engine = platformEnvironment().DOCKER_HOST ?? platformEngine.host;
  const nodes = chosenNodes();
  let all = true;
  for (const daemon of Object.values(daemons(nodes))) {
    if (daemon.name === "dockerd" && engine !== platformEngine.host) {
      table.push(["Docker engine", "the machine's", "", "", engine]);
      continue;
    }
    const serves = running(daemon.name) !== undefined && (await isServing(daemon));
    all &&= serves;
    const state = serves ? "running" : running(daemon.name) ? "does not answer" : "stopped";
    const version = daemon.version ?? (await debianVersion(daemon.command));
    table.push([daemon.name, state, age(daemon.name), version, daemon.listens]);
  }
  const { nodeState } = await import("./node/cluster.ts");
  for (const node of nodes) {
    const { ready } = await nodeState(node).catch(() => ({ ready: false }));
    all &&= ready;
    table.push([
      `node ${node.name}`,
      ready ? "ready" : "not ready",
      age(node.kubelet),
      kubernetesVersion,
      node.kubelet,
    ]);
  }
  for (const { name, is } of installedPlugins(pulumiHome)) table.push([`${name} provider`, "installed", "", is, ""]);
  console.log(table.toString());
  if (!all) process.exitCode = 1;
}

function nodeCount(text: string): number {
  const count = Number(text);
  if (count >= 1 && count <= allNodes.length && Number.isInteger(count)) return count;
  throw new InvalidArgumentError(`the platform can have 1 or ${allNodes.length} nodes.`);
}

const program = new Command("platform").description(
  "The local platform: Docker engine, registry, a Kubernetes of two nodes, Pulumi. One per machine, for the first run and the tests.",
);
program.configureOutput({
  outputError: (text, write) => {
    const names = text.includes("unknown command") ? `: ${program.commands.map((one) => one.name()).join(", ")}` : "";
    write(`platform: ${text.trim().replace(/^error: /, "")}${names}\n`);
  },
});
program
  .command("up")
  .description("bring it up; seconds when it runs already")
  .option("--nodes <n>", "nodes of the cluster, 1 or 2; default: as last time, 2 at first", nodeCount)
  .action(({ nodes }: { nodes?: number }) => withLock(() => up({ plain, nodes }), onWait));
program
  .command("down")
  .description("stop everything it started; what was built stays in the cache")
  .action(async () => console.log(await withLock(down, onWait)));
program
  .command("status")
  .description("each part, node and provider plugin: state, since when, version, where it listens")
  .action(status);
program
  .command("env")
  .description('exports for your own shell: eval "$(npm run -s platform env)"')
  .option("--json", "as JSON, for a program")
  .action(({ json }: { json?: boolean }) => console.log(json ? JSON.stringify(platformEnvironment()) : exportLines()));

try {
  await program.parseAsync();
} catch (error) {
  const message = (error as Error).message.split("\n")[0];
  console.error(error instanceof UserError ? `platform: ${message}` : `platform: ${message} (all of it: ${logFile})`);
  process.exit(1);
}
