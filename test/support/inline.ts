// Inline programs of the Automation API: stacks that a test's own process runs, with a backend of its own.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, type PulumiFn, type Stack } from "@pulumi/pulumi/automation/index.js";
import { fileBackend } from "../../local/host/platformEnvironment.ts";
import { environment } from "./platform.ts";

/** Outcome of an operation. */
export interface Ended {
  /** The lines that say why it failed, without Pulumi's frame; empty if it succeeded. */
  errors: string[];
  text: string;
}

/** Stacks of one test file. */
export class InlineStacks {
  readonly #dir = mkdtempSync(join(tmpdir(), "job-wq-2-inline-"));

  async make(stackName: string, program: PulumiFn): Promise<Stack> {
    const backend = join(this.#dir, "backend");
    mkdirSync(backend, { recursive: true });
    // An inline program has the environment of its process.
    Object.assign(process.env, environment());
    const envVars = { ...environment(), PULUMI_BACKEND_URL: fileBackend(backend) };
    const workDir = mkdtempSync(join(this.#dir, "work-"));
    return LocalWorkspace.createOrSelectStack({ stackName, projectName: "inline", program }, { envVars, workDir });
  }

  /** Runs an operation to its end. */
  static async ended(run: Promise<{ stdout: string }>): Promise<Ended> {
    try {
      return { errors: [], text: (await run).stdout };
    } catch (error) {
      const text = (error as Error).message;
      // The server of inline programs repeats a component's error as one of the stack.
      const lines = text.matchAll(/^ {4}error: (?:One or more errors occurred: )?(.*)$/gm);
      return { errors: [...new Set([...lines].map(([, line]) => line!))], text };
    }
  }

  /** Forgets the stacks. Their objects go with the namespace. */
  forget(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
