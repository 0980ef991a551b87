// A stack of a test's own on the cluster of the tests: its own namespace, its own backend, its own settings file;
// nothing of the checkout changes.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { fileBackend } from "../../local/host/platformEnvironment.ts";
import { checkout, root } from "./checkout.ts";
import { environment, kubectl, type Said, say } from "./platform.ts";

export const fruits = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"];

export type Settings = Record<string, unknown>;

let number = 0;

/** One stack. `pulumi` runs take some 20 s with workers. */
export class TestStack {
  readonly name = `t${process.pid}-${++number}`;
  readonly namespace = this.name;
  /** Folder of the program; another checkout's, for tests that edit a file of it. */
  readonly project: string;
  readonly #dir = mkdtempSync(join(tmpdir(), "job-wq-2-stack-"));
  readonly #env: Record<string, string>;
  #settings: Settings;
  /** Folder in which `wq` runs, if the program is this checkout's: others look at its files meanwhile. */
  #checkout?: ReturnType<typeof checkout>;

  constructor(settings: Settings = {}, { project = root, env = {} } = {}) {
    this.project = project;
    mkdirSync(join(this.#dir, "backend"));
    this.#env = { PULUMI_BACKEND_URL: fileBackend(join(this.#dir, "backend")), ...env };
    this.#settings = {
      imageName: "127.0.0.1:5000/job-wq-2",
      items: fruits,
      workSeconds: 0,
      namespace: this.namespace,
      createNamespace: true,
      ...settings,
    };
  }

  /** Variables with which Pulumi finds it. */
  get env(): Record<string, string> {
    return { ...environment(), ...this.#env };
  }

  /** Path of its settings. */
  get file(): string {
    return join(this.#dir, `Pulumi.${this.name}.yaml`);
  }

  /** Changes settings; `undefined` removes one. */
  set(settings: Settings): void {
    this.#settings = { ...this.#settings, ...settings };
    const given = Object.entries(this.#settings).filter(([, value]) => value !== undefined);
    const before = parse(readFileSync(this.file, "utf8")) as Settings;
    const config = Object.fromEntries(
      given.map(([key, value]) => [key.includes(":") ? key : `job-wq-2:${key}`, value]),
    );
    // Pulumi has encrypted the secrets, so they stay as they are.
    for (const [key, value] of Object.entries((before.config ?? {}) as Settings)) {
      if (typeof value === "object" && value !== null && "secure" in value) config[key] ??= value;
    }
    writeFileSync(this.file, stringify({ ...before, config }));
  }

  /** Makes it known to Pulumi. */
  async init(): Promise<this> {
    copyFileSync(join(root, "Pulumi.yaml"), join(this.#dir, "Pulumi.yaml"));
    writeFileSync(this.file, "{}\n");
    const made = await say("pulumi", ["stack", "init", this.name], { cwd: this.#dir, env: this.#env });
    if (!made.ok) throw new Error(made.text);
    this.set({});
    return this;
  }

  /** Sets a secret. */
  async setSecret(key: string, value: string): Promise<void> {
    const set = await this.pulumi("config", "set", "--secret", key, value);
    if (!set.ok) throw new Error(set.text);
  }

  /** The settings file as it stands. */
  get settingsFile(): string {
    return readFileSync(this.file, "utf8");
  }

  /** Starts Pulumi on it. */
  start(...args: string[]) {
    const config = ["up", "preview", "refresh", "destroy", "config"].includes(args[0]!)
      ? ["--config-file", this.file]
      : [];
    const all = [...args, "--stack", this.name, ...config, "--non-interactive", "--color=never"];
    const { env } = this;
    return execa("pulumi", all, { cwd: this.project, env, all: true, reject: false });
  }

  /** Runs Pulumi on it. */
  async pulumi(...args: string[]): Promise<Said> {
    const { exitCode, all } = await this.start(...args);
    return { ok: exitCode === 0, text: all };
  }

  /** `pulumi up`, after some settings were changed. */
  async up(settings: Settings = {}): Promise<Said> {
    this.set(settings);
    return this.pulumi("up", "--yes", "--skip-preview");
  }

  /** The same if it must succeed. */
  async mustUp(settings: Settings = {}): Promise<Said> {
    const said = await this.up(settings);
    if (!said.ok) throw new Error(said.text);
    return said;
  }

  preview(...args: string[]): Promise<Said> {
    return this.pulumi("preview", ...args);
  }

  /**
   * Runs a verb of `wq`, like `npx --no wq VERB ARGS --stack NAME` in a checkout of its own, where the settings lie as
   * a user's do. It leaves out npx, which takes five times as long as the program that it starts.
   */
  async wq(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    if (this.project === root) this.#checkout ??= checkout();
    const cwd = this.#checkout?.project ?? this.project;
    copyFileSync(this.file, join(cwd, basename(this.file)));
    const { env } = this;
    const run = await execa(join(cwd, "cli/wq.mjs"), [...args, "--stack", this.name], { cwd, env, reject: false });
    return { code: run.exitCode ?? -1, out: run.stdout, err: run.stderr };
  }

  kubectl(...args: string[]): Promise<string> {
    return kubectl("-n", this.namespace, ...args);
  }

  /** An answer of the stack's Redis. */
  redis(...args: string[]): Promise<string> {
    return this.kubectl("exec", "redis-master", "--", "redis-cli", ...args);
  }

  /** Items and pods, by the pods' logs of the present worker Job, sorted by item. */
  async worked(): Promise<{ pod: string; item: string }[]> {
    const logs = await this.kubectl(
      "logs",
      "-l",
      "job-name=job-wq-2",
      "--prefix",
      "--tail=-1",
      "--max-log-requests=20",
    );
    const lines = [...logs.matchAll(/^\[pod\/(\S+)\/c\] Working on (.*)$/gm)];
    return lines.map(([, pod, item]) => ({ pod: pod!, item: item! })).sort((a, b) => (a.item < b.item ? -1 : 1));
  }

  /** Names of items, as {@link worked}. */
  async items(): Promise<string[]> {
    return (await this.worked()).map(({ item }) => item);
  }

  /** Output of the supervisor. */
  verdict(): Promise<string> {
    return this.kubectl("logs", "-l", "app.kubernetes.io/component=supervisor", "--tail=-1");
  }

  /** Removes everything, in whatever state it is. All objects go with the namespace, without a `destroy`. */
  async remove(): Promise<void> {
    await say("kubectl", ["delete", "namespace", this.namespace, "--ignore-not-found", "--wait=false"]);
    rmSync(this.#dir, { recursive: true, force: true });
    this.#checkout?.remove();
  }
}
