// `platform up`: brings this machine to a running platform, from any state. Each step uses what exists already.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Listr, PRESET_TIMER, type ListrTask } from "listr2";
import { down } from "./down.ts";
import { installPackages } from "./host/apt.ts";
import { rememberDocker } from "./host/platformEnvironment.ts";
import { log } from "./host/exec.ts";
import { type Part, provide } from "./host/platformParts.ts";
import { checkMachine } from "./host/preflight.ts";
import { provideKubectl, providePulumi } from "./host/toolchain.ts";
import { findDocker, type DockerEngine } from "./images/docker.ts";
import { canPull, pushImage, recipes, rootfs } from "./images/images.ts";
import { makeCgroup } from "./node/cgroups.ts";
import { checkPort, running, start } from "./node/daemon.ts";
import * as configs from "./node/daemonConfigs.ts";
import { closeRegistry, hasResolver, makeBridge } from "./node/network.ts";
import { stopNode } from "./node/nodeControl.ts";
import { allNodes, chooseNodes, chosenNodes } from "./node/nodes.ts";
import { makePki } from "./node/pki.ts";
import { daemons } from "./node/daemons.ts";
import { bundleProvisioner } from "./node/storage.ts";
import { backendDir, lostNode, pulumiHome, runDir, stateDir } from "./paths.ts";
import { installPlugins } from "./plugins/install.ts";

/** Names of the nodes that were ready at the end of an `up`; gone with what runs. */
const readyStamp = join(runDir, "ready");

/** Options of `up`. */
export interface UpOptions {
  /** Prints a line per step instead of redrawing. */
  plain: boolean;
  /** Number of nodes; default: as last time, two the first time. */
  nodes?: number;
}

/** A step of one line: its title, and after it what was done. */
function step(title: string, work: () => Promise<string | void>): ListrTask {
  return {
    title,
    task: async (_, task) => {
      log(`== ${title}`);
      const did = await work();
      task.title = did ? `${title}: ${did}` : title;
    },
  };
}

function group(title: string, tasks: ListrTask[], concurrent: boolean | number): ListrTask {
  return { title, task: (_, task) => task.newListr(tasks, { concurrent }) };
}

const sequence = (title: string, tasks: ListrTask[]) => group(title, tasks, false);

async function writeConfigs(): Promise<void> {
  // Writes only files that changed: kube-proxy ends when its file is written.
  const write = (file: string, text: string) => {
    if (existsSync(file) && readFileSync(file, "utf8") === text) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  const inState = (name: string) => join(stateDir, name);
  // It holds stacks, logs and volumes, which other users of the machine must not read.
  mkdirSync(stateDir, { recursive: true });
  chmodSync(stateDir, 0o700);
  for (const dir of [backendDir, pulumiHome, runDir]) mkdirSync(dir, { recursive: true });
  chmodSync(runDir, 0o755); // an earlier version may have left it open to all
  for (const node of allNodes) {
    write(node.containerdConfig, configs.containerdConfig(node));
    write(node.kubeletConfig, configs.kubeletConfig(node));
  }
  write(inState("cni/10-job-wq-2.conflist"), configs.cniConfig());
  write(inState("proxy.yaml"), configs.proxyConfig());
  write(inState("registry.yaml"), configs.registryConfig());
  write(inState("Corefile"), configs.corefile(hasResolver()));
  for (const [host, text] of Object.entries(configs.registryHosts()))
    write(inState(`certs.d/${host}/hosts.toml`), text);
  await bundleProvisioner();
}

/** Brings everything up. When it fails and nothing ran before, nothing is left running. */
export async function up({ plain, nodes }: UpOptions): Promise<void> {
  await checkMachine();
  if (nodes !== undefined) chooseNodes(nodes);
  const parts = Object.values(daemons(chosenNodes()));
  for (const daemon of parts) await checkPort(daemon);
  const wasStopped = !parts.some(({ name }) => running(name));
  try {
    await steps(plain).run();
  } catch (error) {
    if (wasStopped) await down();
    throw error;
  }
}

/** Stops the nodes that are no longer wanted. */
async function stopOtherNodes(): Promise<void> {
  const { forgetNode } = await import("./node/cluster.ts");
  for (const node of allNodes.filter((one) => !chosenNodes().includes(one))) {
    await stopNode(node);
    if (await forgetNode(node)) writeFileSync(lostNode, node.name);
  }
}

function steps(plain: boolean): Listr {
  let docker: DockerEngine;
  const nodes = chosenNodes();
  const part = (title: string, name: Part) => step(title, async () => (await provide(name)).how);
  const all = daemons(nodes);
  const names = nodes.map(({ name }) => name).join(", ");
  const isReady = () => existsSync(readyStamp) && readFileSync(readyStamp, "utf8") === names;
  const daemon = (name: string) =>
    step(name, async () => {
      const how = await start(all[name]!);
      // An `up` is done only when the nodes were seen to be ready, even if it finds everything running.
      if (how === "started") rmSync(readyStamp, { force: true });
      return how;
    });
  return new Listr(
    [
      step("Debian packages", installPackages),
      step("Docker engine", async () => {
        docker = await findDocker();
        rememberDocker(docker.host);
        return docker.ours ? "one of the platform's" : `the machine's, ${docker.host}`;
      }),
      group(
        "parts that are downloaded or built",
        [
          // Two at a time: builds that share compiled packages one after another, and beside them the base images.
          sequence("Kubernetes, Pulumi", [
            part("Kubernetes", "kubernetes"),
            part("CoreDNS", "coredns"),
            step("kubectl", provideKubectl),
            step("Pulumi", providePulumi),
            step("provider plugins", async () => (await installPlugins(pulumiHome)).join("; ")),
          ]),
          step("base images", async () => {
            if (await canPull(docker)) return "pulled by the engine";
            const trees = await Promise.all(recipes.map(rootfs));
            const made = recipes.filter((_, index) => trees[index]!.built).map(({ name }) => name);
            return made.length ? `assembled ${made.join(", ")}` : "from the cache";
          }),
        ],
        2,
      ),
      step("certificates", makePki),
      step("bridge, cgroups", async () => {
        await writeConfigs();
        for (const { cgroup } of nodes) makeCgroup(cgroup);
        const isClosed = await closeRegistry();
        const how = await makeBridge();
        return isClosed ? how : `${how}; other users can write to the registry: iptables here has no match \`owner\``;
      }),
      group(
        "containerd, registry, etcd",
        ["docker-registry", "etcd", ...nodes.map((node) => node.containerd)].map(daemon),
        true,
      ),
      group(
        "Docker engine, API server",
        [
          daemon("apiserver"),
          {
            title: "dockerd",
            skip: () => (docker.ours ? false : "the machine's engine is used"),
            task: daemon("dockerd").task,
          },
        ],
        true,
      ),
      step("rights", async () => {
        if (isReady()) return "granted already";
        const { grantRights } = await import("./node/rights.ts");
        await grantRights();
        return "granted";
      }),
      group(
        "images in the registry",
        recipes.map((recipe) => step(recipe.name, () => pushImage(recipe, docker))),
        false,
      ),
      group(
        "Kubernetes",
        [
          ...["controller-manager", "scheduler", "proxy", "coredns", "provisioner"].map(daemon),
          // One after another: they meet at a socket.
          sequence(
            "kubelets",
            nodes.map(({ kubelet }) => daemon(kubelet)),
          ),
        ],
        true,
      ),
      step("nodes ready, storage", async () => {
        if (isReady()) return names;
        // The client takes half a second to load.
        const cluster = await import("./node/cluster.ts");
        await stopOtherNodes();
        const ready = nodes.map(cluster.waitForNode);
        await Promise.all([...ready, cluster.waitForServiceAccount(), cluster.makeStorageClass()]);
        writeFileSync(readyStamp, names);
        return names;
      }),
    ],
    {
      renderer: plain ? "simple" : "default",
      rendererOptions: plain
        ? { timestamp: undefined, timer: PRESET_TIMER }
        : { timer: PRESET_TIMER, collapseSubtasks: false },
    } as ConstructorParameters<typeof Listr>[1],
  ) as Listr;
}
