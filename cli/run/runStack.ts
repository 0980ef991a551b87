// The Pulumi stack of a run, by the Automation API.
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { firstLine, UserError } from "../errors.ts";
import { locate, PROJECT, pulumiFolder } from "../stack/runFolder.ts";

let found: Promise<PulumiCommand> | undefined;

/** Pulumi's command line: that on PATH, or our own, installed once. @throws UserError if it cannot be installed. */
export function findPulumi(): Promise<PulumiCommand> {
  return (found ??= find());
}

async function find(): Promise<PulumiCommand> {
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

/** The stack of a run, with its program. */
export async function runStack(name: string, program: () => Promise<void>): Promise<Stack> {
  const { program: workDir, env } = locate(name);
  const project = { name: PROJECT, runtime: "nodejs" };
  return LocalWorkspace.createOrSelectStack(
    { stackName: name, projectName: PROJECT, program },
    { workDir, envVars: env, projectSettings: project, pulumiCommand: await findPulumi() },
  );
}

/** The reason in an error of the Automation API, whose message holds all that Pulumi printed. */
export function pulumiError(error: unknown): UserError {
  const text = String((error as Error).message);
  const lines = text.split("\n").map((line) => line.trim());
  const why = lines.findLast((line) => /(^|\s)error: /.test(line) && !/error: update failed/.test(line));
  return new UserError(
    (why ?? firstLine(error)).replace(/^.*?error: /, "").replace(/^One or more errors occurred: /, ""),
  );
}
