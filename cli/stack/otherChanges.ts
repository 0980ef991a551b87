// Changes of the stack that `pulumi up` would make beside new workers, and that nobody would see.
import { firstLine, UserError } from "../errors.ts";
import { capturePulumi, failure, type PulumiRun } from "./pulumi.ts";
import type { FoundBatch } from "./readStack.ts";
import type { StateResource } from "./stackExport.ts";

/** A step of `pulumi preview --json`. */
interface Step {
  op: string;
  urn: string;
  oldState?: StateResource;
  newState?: StateResource;
}

interface Preview {
  steps?: Step[];
  diagnostics?: { severity?: string; message?: string }[];
}

const REDIS = /job-wq-2:index:Redis\$kubernetes:(core\/v1:Pod|apps\/v1:StatefulSet)::/;
const UNCHANGED = new Set(["same", "read", "refresh"]);

function isSeedJob({ newState, oldState }: Step): boolean {
  const { type, inputs } = newState ?? oldState ?? {};
  const { metadata } = (inputs ?? {}) as { metadata?: { labels?: Record<string, string> } };
  return type === "kubernetes:batch/v1:Job" && metadata?.labels?.["app.kubernetes.io/component"] === "seed";
}

/** The steps by which data may be lost, or items change or run again. */
const isGrave = (step: Step) =>
  REDIS.test(step.urn) ? !UNCHANGED.has(step.op) : isSeedJob(step) && !UNCHANGED.has(step.op) && step.op !== "update";

function parse({ stdout }: PulumiRun): Preview {
  try {
    return JSON.parse(stdout) as Preview;
  } catch {
    return {};
  }
}

/** Starting the workers anew must change nothing else of weight. @throws UserError where it would. */
export async function refuseOtherChanges({ location, batch: { workerUrn } }: FoundBatch): Promise<void> {
  const anew = workerUrn === undefined ? [] : ["--replace", workerUrn];
  const run = await capturePulumi(location, ["preview", "--json", ...anew]);
  const { steps = [], diagnostics = [] } = parse(run);
  if (run.exitCode !== 0) {
    const said = diagnostics.find(({ severity }) => severity === "error")?.message?.replaceAll(/<\{%.*?%\}>/g, "");
    throw new UserError(
      `nothing was changed, since \`pulumi preview\` failed: ${said ? firstLine(said) : failure(run)}`,
    );
  }
  const grave = steps.find(isGrave);
  if (!grave) return;
  const what = REDIS.test(grave.urn) ? "Redis" : "the items, or run them all again";
  throw new UserError(
    `nothing was changed: new workers come with the changes of the stack, which would also change ${what}; look at them with \`pulumi up\``,
  );
}
