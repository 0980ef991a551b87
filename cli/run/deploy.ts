// Creates a run in the cluster: an inline program of Pulumi's Automation API.
import { join } from "node:path";
import { contextOf, kubeconfigOf, namespaceOf } from "../../kube/kubeconfig.ts";
import { firstLine, UserError } from "../errors.ts";
import { environmentOf, maxFailures, podOf, resourcesOf, type RunOptions, secretsOf } from "./options.ts";
import { withOptions } from "./optionNames.ts";
import { locate } from "../stack/runFolder.ts";
import { pulumiError, runStack } from "./runStack.ts";

/** Time limit of a run: nobody waits that long, but a forgotten run ends. */
const DEADLINE = "30d";

/** The target of a run. Its context is kept, since that of the kubeconfig may change meanwhile; a pod has none. */
interface Target {
  namespace: string;
  context: string | undefined;
}

/** A run as it is deployed. */
export interface Deployment extends Target {
  name: string;
  command: string[];
  items: string[];
}

/** The target of a run. @throws UserError if there is no kubeconfig, or it lacks that context. */
export function targetOf({ namespace, context }: RunOptions): Target {
  try {
    const config = kubeconfigOf({ context });
    return { namespace: namespace ?? namespaceOf(config), context: contextOf(config) };
  } catch (error) {
    throw new UserError(firstLine(error));
  }
}

/** Colours in messages of the engine. */
const MARKUP = /<\{%.*?%\}>/g;

/**
 * Creates all of it, and waits for the verdict.
 * @param onWarning Called with a line about what keeps it from going on, like pods for which no node has room.
 * @throws UserError of one line: a bad verdict, or why the run cannot go on. Then some objects of it may exist.
 */
export async function deploy(
  deployment: Deployment,
  options: RunOptions,
  onWarning: (line: string) => void,
): Promise<void> {
  try {
    const stack = await runStack(deployment.name, () => program(deployment, options));
    const { context } = deployment;
    if (context !== undefined) await stack.setConfig("kubernetes:context", { value: context });
    await stack.up({
      onEvent: ({ diagnosticEvent }) => {
        if (diagnosticEvent?.severity === "warning")
          onWarning(firstLine(diagnosticEvent.message.replaceAll(MARKUP, "").replace(/^warning: /, "")));
      },
    });
  } catch (error) {
    throw new UserError(withOptions((error instanceof UserError ? error : pulumiError(error)).message));
  }
}

async function program({ name, namespace, command, items }: Deployment, options: RunOptions): Promise<void> {
  process.env.JOB_WQ_2_STAGE = join(locate(name).program, "stage"); // goes with the run; none in the user's folder
  const { Batch, Redis, WorkerImage } = await import("../../components/index.ts");
  const { image: baseImage, entrypoint, handler, files, requirements } = options;
  const redis = new Redis(`${name}-redis`, { namespace, ...given({ url: options.redis }) });
  const image = new WorkerImage(name, given({ baseImage, entrypoint, handler, files, requirements }));
  new Batch(name, {
    redis,
    image,
    items,
    parallelism: options.jobs,
    activeDeadline: DEADLINE,
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
