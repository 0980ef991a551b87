// Changes of the stack that `pulumi up` would make beside starting new workers, unseen by the user.
import { firstLine, UserError } from "../errors.ts";
import { COMPONENT } from "../../kube/ownLabels.ts";
import { JOB, metadata } from "./batches.ts";
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
/** The list of the items, in a ConfigMap or in an image. */
const LIST = /job-wq-2:index:Batch\$(kubernetes:core\/v1:ConfigMap|docker:index\/image:Image)::.*-items(-image)?$/;
const UNCHANGED = new Set(["same", "read", "refresh"]);

interface JobInputs {
  spec?: { template?: { spec?: { containers?: { env?: { name: string; value?: string }[] }[] } } };
}

/** The settings of a seed Job: its `run`, and the place of its items. New code alone seeds the same again. */
function seedSettings(resource: StateResource | undefined): string | undefined {
  const { spec } = (resource?.inputs ?? {}) as JobInputs;
  return spec?.template?.spec?.containers?.[0]?.env?.find(({ name }) => name === "WQ_SETTINGS")?.value;
}

const isSeedJob = ({ type, inputs }: StateResource) => type === JOB && metadata(inputs).labels?.[COMPONENT] === "seed";

/** True if only marks and labels of an object differ. */
function isSame(before: StateResource | undefined, after: StateResource | undefined): boolean {
  const content = ({ inputs }: StateResource) => JSON.stringify({ ...inputs, metadata: undefined });
  return before !== undefined && after !== undefined && content(before) === content(after);
}

/** The steps by which data may be lost, or items change or run again. */
function isGrave({ op, urn, oldState, newState }: Step): boolean {
  if (UNCHANGED.has(op)) return false;
  if (REDIS.test(urn) || LIST.test(urn)) return op !== "update" || !isSame(oldState, newState);
  return oldState !== undefined && isSeedJob(oldState) && seedSettings(oldState) !== seedSettings(newState);
}

function parse({ stdout }: PulumiRun): Preview {
  try {
    return JSON.parse(stdout) as Preview;
  } catch {
    return {};
  }
}

/** New workers must change nothing else of importance. @throws UserError if they would. */
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
    `nothing was changed: new workers would come with all changes of the stack, and these also change ${what}; look at them with \`pulumi up\``,
  );
}
