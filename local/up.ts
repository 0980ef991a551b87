// `platform up`: from whatever this machine has to a running platform. Each step finds what is there already.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Listr, PRESET_TIMER, type ListrTask } from "listr2";
import { makeVolumes, waitForNode } from "./node/cluster.ts";
import * as configs from "./node/daemonConfigs.ts";
import { checkPort, running, start } from "./node/daemon.ts";
import { daemons } from "./node/services.ts";
import { installPackages } from "./host/apt.ts";
import { findDocker, type DockerEngine } from "./images/docker.ts";
import { down } from "./down.ts";
import { rememberDocker } from "./host/environment.ts";
import { goBuild } from "./host/go.ts";
import { pushImage, recipes, rootfs } from "./images/images.ts";
import { checkMachine, nodeAddress } from "./host/preflight.ts";
import { hasResolver, makeBridge } from "./node/network.ts";
import { backendDir, pulumiHome, runDir, stateDir } from "./paths.ts";
import { makePki } from "./node/pki.ts";
import { installPlugins } from "./plugins/install.ts";
import { note } from "./host/exec.ts";
import { provideKubectl, providePulumi } from "./host/toolchain.ts";

/** A step of one line: its title, and after it what was done. */
function step(title: string, work: () => Promise<string | void>): ListrTask {
  return {
    title,
    task: async (_, task) => {
      note(`== ${title}`);
      const did = await work();
      task.title = did ? `${title}: ${did}` : title;
    },
  };
}

function writeConfigs(): void {
  // Only what changed: kube-proxy ends itself when its file is written.
  const write = (path: string, text: string) => {
    const file = join(stateDir, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const dir of [backendDir, pulumiHome, runDir]) mkdirSync(dir, { recursive: true });
  write("containerd.toml", configs.containerdConfig(stateDir));
  write("cni/10-job-wq-2.conflist", configs.cniConfig(stateDir));
  write("kubelet.yaml", configs.kubeletConfig(stateDir));
  write("proxy.yaml", configs.proxyConfig(stateDir));
  write("registry.yaml", configs.registryConfig(stateDir));
  write("Corefile", configs.corefile(stateDir, hasResolver()));
  for (const [host, text] of Object.entries(configs.registryHosts())) write(`certs.d/${host}/hosts.toml`, text);
}

/** Brings everything up. `plain` prints a line a step instead of redrawing. What fails half-way, from nothing, leaves nothing running. */
export async function up(plain: boolean): Promise<void> {
  await checkMachine();
  const address = nodeAddress();
  const parts = Object.values(daemons(address));
  for (const daemon of parts) await checkPort(daemon);
  const wasStopped = !parts.some(({ name }) => running(name));
  try {
    await steps(address, plain).run();
  } catch (error) {
    if (wasStopped) await down();
    throw error;
  }
}

function steps(address: string, plain: boolean): Listr {
  let docker: DockerEngine;
  const build = (name: string) => async () => ((await goBuild(name)).built ? "built" : "from the cache");
  const daemon = (name: string) => step(name, () => start(daemons(address)[name]!));
  const group = (title: string, tasks: ListrTask[], concurrent: boolean | number): ListrTask => ({
    title,
    task: (_, task) => task.newListr(tasks, { concurrent }),
  });
  return new Listr(
    [
      step("Debian packages", installPackages),
      step("Docker engine", async () => {
        docker = await findDocker();
        rememberDocker(docker);
        return docker.ours ? "one of our own" : `the machine's, ${docker.host}`;
      }),
      group(
        "Parts that are built",
        [
          // Two at a time: the longest first, and beside it what mostly waits for the network.
          step("Kubernetes", build("k8s")),
          step("base images", async () => {
            if (!docker.ours) return "pulled by the machine's engine";
            const made = [];
            for (const recipe of recipes) if ((await rootfs(recipe)).built) made.push(recipe.name);
            return made.length ? `assembled ${made.join(", ")}` : "from the cache";
          }),
          step("Pulumi", providePulumi),
          step("CoreDNS", build("coredns")),
          step("kubectl", provideKubectl),
        ],
        2,
      ),
      step("provider plugins", async () => (await installPlugins(pulumiHome)).join("; ")),
      step("certificates", () => makePki(address)),
      step("bridge", async () => {
        writeConfigs();
        return makeBridge();
      }),
      group("containerd, registry, etcd", ["containerd", "docker-registry", "etcd"].map(daemon), true),
      group(
        "Docker engine, API server",
        [
          daemon("apiserver"),
          {
            title: "dockerd",
            skip: () => (docker.ours ? false : "the machine's engine is used"),
            task: daemon("dockerd").task!,
          },
        ],
        true,
      ),
      group(
        "images in the registry",
        recipes.map((recipe) => step(recipe.name, () => pushImage(recipe, docker))),
        false,
      ),
      group("Kubernetes", ["controller-manager", "scheduler", "kubelet", "proxy", "coredns"].map(daemon), true),
      step("node ready, volumes", async () => {
        await waitForNode();
        await makeVolumes();
      }),
    ],
    {
      renderer: plain ? "simple" : "default",
      rendererOptions: plain
        ? { timestamp: undefined, timer: PRESET_TIMER }
        : { timer: PRESET_TIMER, collapseSubtasks: false },
    } as ConstructorParameters<typeof Listr>[1],
  );
}
