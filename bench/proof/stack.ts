// The stack under faults, with its own namespace, disk, backend and folder.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { fileBackend, platformEnvironment } from "../../local/host/platformEnvironment.ts";
import { firstNode } from "../../local/node/nodes.ts";
import { root } from "../../test/support/checkout.ts";
import { kubectl, say } from "../../test/support/platform.ts";
import { Disk, DISK_SIZE } from "./disk.ts";
import type { Result } from "./tally.ts";

/** Settings of the batch. */
export interface BatchShape {
  items: number;
  pods: number;
  concurrency: number;
  /** Time that an item takes. */
  workMs: number;
}

const program = join(import.meta.dirname, "program");
/** A row that takes longer hangs: the longest one takes a third of it. */
const TIMEOUT_MS = 20 * 60_000;
let number = 0;

export class ProofStack {
  readonly namespace = `proof-${process.pid}-${++number}`;
  readonly #dir = mkdtempSync(join(tmpdir(), "job-wq-2-proof-"));
  readonly #env: Record<string, string> = {
    PULUMI_BACKEND_URL: fileBackend(join(this.#dir, "backend")),
    PULUMI_STACK: this.namespace,
  };
  #disk?: Disk;

  /** File in which the workers note their runs. */
  get runs(): string {
    return join(this.#dir, "runs", "log");
  }

  get #settings(): string {
    return join(this.#dir, `Pulumi.${this.namespace}.yaml`);
  }

  /** Makes all that `up` needs. */
  async init({ items, pods, concurrency, workMs }: BatchShape): Promise<this> {
    for (const folder of ["backend", "runs"]) mkdirSync(join(this.#dir, folder));
    // Workers have a user id of their own.
    chmodSync(this.#dir, 0o755);
    writeFileSync(this.runs, "");
    chmodSync(this.runs, 0o666);
    await kubectl("create", "namespace", this.namespace);
    this.#disk = await Disk.make(this.namespace);
    copyFileSync(join(program, "Pulumi.yaml"), join(this.#dir, "Pulumi.yaml"));
    const { ok, text } = await say("pulumi", ["stack", "init", this.namespace], { cwd: this.#dir, env: this.#env });
    if (!ok) throw new Error(text);
    const settings = {
      namespace: this.namespace,
      disk: DISK_SIZE,
      redisNode: firstNode.name,
      runs: join(this.#dir, "runs"),
      items,
      pods,
      concurrency,
      workMs,
    };
    const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`proof:${key}`, String(value)]));
    const before = parse(readFileSync(this.#settings, "utf8")) as object;
    writeFileSync(this.#settings, stringify({ ...before, config }));
    return this;
  }

  /** Runs Pulumi on it. @param stop Ends it before its end. */
  async pulumi(command: "up" | "destroy", stop?: AbortSignal): Promise<{ ok: boolean; text: string }> {
    const args = [command, "--yes", "--skip-preview", "--config-file", this.#settings];
    const run = await execa("pulumi", [...args, "--non-interactive", "--color=never"], {
      cwd: program,
      env: { ...platformEnvironment(), ...this.#env },
      all: true,
      reject: false,
      timeout: TIMEOUT_MS,
      ...(stop && { cancelSignal: stop }),
    });
    return { ok: run.exitCode === 0, text: run.all };
  }

  /** The output of `wq results`. */
  async results(): Promise<Result[]> {
    const env = { ...platformEnvironment(), ...this.#env };
    const { stdout } = await execa(process.execPath, [join(root, "cli/wq.mjs"), "results"], {
      cwd: program,
      env,
      maxBuffer: 1 << 30,
    });
    return stdout.split("\n").map((line) => JSON.parse(line) as Result);
  }

  /** Removes everything, in whatever state it is. */
  async remove(): Promise<void> {
    await this.pulumi("destroy");
    await say("kubectl", ["delete", "namespace", this.namespace, "--ignore-not-found", "--timeout=120s"]);
    await this.#disk?.remove();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
