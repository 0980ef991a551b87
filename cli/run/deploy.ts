// Brings a run into the cluster, and takes it away again: an inline program of Pulumi's Automation API.
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { firstLine, UserError } from "../errors.ts";
import { environmentOf, maxFailures, podOf, resourcesOf, type RunOptions, secretsOf } from "./options.ts";
import { locate, PROJECT, pulumiFolder } from "./runs.ts";

/** The program or handler of a run, with its settings. */
export interface Work {
  name: string;
  namespace: string;
  command: string[];
  items: string[];
}

/** Pulumi's command line: that of PATH, or one of our own, installed once. */
async function pulumi(): Promise<PulumiCommand> {
  try {
    return await PulumiCommand.get();
  } catch {
    const root = pulumiFolder();
    try {
      return await PulumiCommand.get({ root });
    } catch {
      console.error(`There is no pulumi on PATH: installing it into ${root}, once`);
      return PulumiCommand.install({ root }).catch((error: unknown) => {
        throw new UserError(`cannot install Pulumi: ${firstLine(error)}; see https://www.pulumi.com/docs/install/`);
      });
    }
  }
}

/** The stack of a run. */
async function stackOf(name: string, program: () => Promise<void>): Promise<Stack> {
  const { program: workDir, env } = locate(name);
  const project = { name: PROJECT, runtime: "nodejs" };
  return LocalWorkspace.createOrSelectStack(
    { stackName: name, projectName: PROJECT, program },
    { workDir, envVars: env, projectSettings: project, pulumiCommand: await pulumi() },
  );
}

/** The reason in what the Automation API throws: its message holds all that Pulumi printed. */
function reasonOf(error: unknown): UserError {
  const text = String((error as Error).message);
  const lines = text.split("\n").map((line) => line.trim());
  const why = lines.findLast((line) => /(^|\s)error: /.test(line) && !/error: update failed/.test(line));
  return new UserError(
    (why ?? firstLine(error)).replace(/^.*?error: /, "").replace(/^One or more errors occurred: /, ""),
  );
}

/**
 * Creates all of it, and waits for the verdict.
 * @throws UserError of one line: a bad verdict, or why it cannot run. Then some of it may be there.
 */
export async function deploy(work: Work, options: RunOptions): Promise<void> {
  try {
    const stack = await stackOf(work.name, () => program(work, options));
    if (options.context) await stack.setConfig("kubernetes:context", { value: options.context });
    await stack.up();
  } catch (error) {
    throw error instanceof UserError ? error : reasonOf(error);
  }
}

async function program({ name, namespace, command, items }: Work, options: RunOptions): Promise<void> {
  const { Batch, Redis, WorkerImage } = await import("../../components/index.ts");
  const { image: baseImage, entrypoint, handler, files } = options;
  const redis = new Redis(`${name}-redis`, { namespace, ...given({ url: options.redis }) });
  const image = new WorkerImage(name, given({ baseImage, entrypoint, handler, files }));
  new Batch(name, {
    redis,
    image,
    items,
    parallelism: options.jobs,
    ...given({
      command: command.length > 0 ? command : undefined,
      itemTimeout: options.timeout,
      maxAttempts: options.retries,
      maxFailures: options.halt && maxFailures(options.halt, items.length),
      resources: resourcesOf(options),
      env: options.env && environmentOf(options.env),
      secretEnv: options.secretEnv && secretsOf(options.secretEnv),
      pod: podOf(options.pod),
    }),
  });
}

/** The entries that have a value. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined | ""> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== "")) as never;
}

/** Takes all of it away. @throws UserError of one line. */
export async function remove(name: string): Promise<void> {
  try {
    const stack = await stackOf(name, async () => {});
    await stack.cancel().catch(() => {}); // a lock that a killed run left
    await stack.destroy();
    await stack.workspace.removeStack(name);
  } catch (error) {
    throw reasonOf(error);
  }
}
