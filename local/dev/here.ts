// `npm start -- --here`: the stack `here`, on the cluster that kubectl talks to, with the Pulumi of this machine, and
// without a registry or Docker: the code needs no image.
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parse, stringify } from "yaml";
import { kubeconfigOf } from "../../kube/kubeconfig.ts";
import { loadClient } from "../../kube/kubernetesClient.ts";
import { fileBackend } from "../host/environment.ts";
import { firstLine, UserError } from "../../cli/errors.ts";
import { root, stateFolder } from "../../cli/stack/location.ts";
import { capturePulumi } from "../../cli/stack/pulumi.ts";
import { type DevStack, exists, prepareStack } from "./devStack.ts";

const STACK = "here";
/** A namespace of its own, so that nothing there has the same name. */
const NAMESPACE = "job-wq-2-here";
/** Settings about an image, which is not built here. */
const IMAGE_SETTINGS = ["imageName", "image", "push", "platform", "registryUsername", "registryPassword"];
const ANSWER_MS = 10_000;

const folder = join(stateFolder, STACK);
/** What is noted of the stack, as long as it may exist. */
const note = join(folder, "stack.json");

/** The cluster that the stack is on. */
interface Cluster {
  context: string;
  server: string;
}

/** The stack `here`, where one was made in this checkout. */
export function hereStack(): DevStack | undefined {
  return readNote()?.location;
}

function readNote(): { location: DevStack; cluster: Cluster } | undefined {
  return existsSync(note)
    ? (JSON.parse(readFileSync(note, "utf8")) as { location: DevStack; cluster: Cluster })
    : undefined;
}

/**
 * Makes the stack `here` on the current cluster, or takes up the one that was made before.
 * @param isSure Whether not to ask first.
 * @throws UserError where the user does not want it, or something of what it takes is missing.
 */
export async function prepareHere(isSure: boolean): Promise<DevStack> {
  await requirePulumi();
  const cluster = await currentCluster();
  const known = readNote();
  if (known && known.cluster.server !== cluster.server)
    throw new UserError(
      `it runs on the cluster of context ${known.cluster.context}, and the current one is ${cluster.context}: switch back, or take it away there first, with \`npm run down -- --here\``,
    );
  console.log(`The cluster of context ${cluster.context} (${cluster.server}), namespace ${NAMESPACE}`);
  if (!known && !isSure && !(await confirm("Make that namespace there, and run the nine fruits in it?")))
    throw new UserError("nothing was done");
  const location = known?.location ?? (await newStack());
  writeFileSync(note, JSON.stringify({ location, cluster }, null, 2));
  writeSettings(location.configFile!, settingsFor(cluster.context));
  await prepareStack(location, folder);
  return location;
}

async function requirePulumi(): Promise<void> {
  const { exitCode } = await capturePulumi({ program: root, env: {} }, ["version"]);
  if (exitCode !== 0) throw new UserError("`pulumi version` fails: is Pulumi installed as it should be?");
}

/** The cluster of the current context. @throws UserError where there is none, or it does not answer. */
async function currentCluster(): Promise<Cluster> {
  const config = configured();
  const context = config.getCurrentContext();
  const { server } = config.getCurrentCluster()!;
  const { VersionApi } = await loadClient();
  const answer = config.makeApiClient(VersionApi).getCode();
  const timeout = AbortSignal.timeout(ANSWER_MS);
  const silence = new Promise<never>((_, reject) =>
    timeout.addEventListener("abort", () => reject(new Error("no answer"))),
  );
  await Promise.race([answer, silence]).catch((error: Error & { code?: unknown }) => {
    if (typeof error.code === "number" && error.code !== 401) return; // it answers, though not that
    const reason = error.code === 401 ? "it does not know you" : firstLine(error.cause ?? error);
    throw new UserError(`the cluster of context ${context} (${server}) cannot be used: ${reason}`);
  });
  return { context, server };
}

function configured() {
  try {
    return kubeconfigOf({});
  } catch (error) {
    throw new UserError(firstLine(error));
  }
}

/** Where a new stack is kept: in the backend that the user is logged in to, else in the state folder. */
async function newStack(): Promise<DevStack> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const given = ["KUBECONFIG", "PULUMI_HOME"].filter((name) => process.env[name]);
  const env: Record<string, string> = Object.fromEntries(given.map((name) => [name, process.env[name]!]));
  const isLoggedIn = (await capturePulumi({ program: root, env }, ["whoami"])).exitCode === 0;
  if (!isLoggedIn) {
    mkdirSync(join(folder, "stacks"), { recursive: true });
    env.PULUMI_BACKEND_URL = fileBackend(join(folder, "stacks"));
  } else if (process.env.PULUMI_BACKEND_URL) env.PULUMI_BACKEND_URL = process.env.PULUMI_BACKEND_URL;
  const hasPassphrase = "PULUMI_CONFIG_PASSPHRASE" in process.env || "PULUMI_CONFIG_PASSPHRASE_FILE" in process.env;
  if (!hasPassphrase) env.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile();
  const location = { program: root, stack: STACK, configFile: join(folder, `Pulumi.${STACK}.yaml`), env };
  if (await exists(location))
    throw new UserError(
      `there is a stack ${STACK} already, which was not made in this checkout: \`pulumi stack rm ${STACK}\`, once nothing of it is left`,
    );
  return location;
}

/** A passphrase for the stack's secrets, where its backend keeps none itself. */
function passphraseFile(): string {
  const file = join(folder, "passphrase");
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600 });
  return file;
}

/**
 * Writes the settings again when they were edited since. They lie beside the state, because `pulumi stack init` writes
 * a salt into them, and the checkout stays clean.
 */
function writeSettings(configFile: string, settings: string): void {
  const seen = join(folder, "seen.yaml");
  copyFileSync(join(root, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  if (existsSync(configFile) && existsSync(seen) && readFileSync(seen, "utf8") === settings) return;
  const salt = existsSync(configFile) ? /^encryptionsalt: .*$/m.exec(readFileSync(configFile, "utf8"))?.[0] : undefined;
  writeFileSync(configFile, salt ? `${settings.trimEnd()}\n${salt}\n` : settings);
  writeFileSync(seen, settings);
}

/** The settings of the stack `dev`, without an image, and on this cluster whatever the current one is later. */
function settingsFor(context: string): string {
  const { config } = parse(readFileSync(join(root, "Pulumi.dev.yaml"), "utf8")) as { config: Record<string, unknown> };
  for (const key of IMAGE_SETTINGS) delete config[`job-wq-2:${key}`];
  const own = { "job-wq-2:namespace": NAMESPACE, "job-wq-2:createNamespace": true, "kubernetes:context": context };
  return stringify({ config: { ...config, ...own } });
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
