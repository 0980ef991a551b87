import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../errors.ts";

/** A stack, and what it takes to run Pulumi on it. */
export interface StackLocation {
  /** Folder of the Pulumi program. */
  program: string;
  /** Its name; without one the stack that is selected. */
  stack?: string;
  /** The stack's settings file, if it does not lie beside the program. */
  configFile?: string;
  /** Environment variables beside this process's. */
  env: Record<string, string>;
  /** True if it belongs to a `wq run`, whose program is not kept. */
  isRun?: boolean;
}

/** The checkout, or the installed package, that this command belongs to. */
export const root = join(import.meta.dirname, "../..");
/** Folder in which a checkout notes its runs of `npm start`; tests have one of their own. */
const stateFolder = process.env.JOB_WQ_2_STATE ?? join(root, ".state");
const note = join(stateFolder, "stack.json");
/** Variables by which the user chooses where Pulumi looks for stacks. */
const CHOICES = ["PULUMI_STACK", "PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_HOME"];

/** Remembers the stack that `npm start` runs, for `wq`. */
export function remember(location: StackLocation): void {
  mkdirSync(dirname(note), { recursive: true });
  writeFileSync(note, JSON.stringify(location, null, 2));
}

/** Forgets it again, unless another stack is remembered by now. */
export function forget({ stack }: StackLocation): void {
  if (remembered()?.stack === stack) rmSync(note);
}

function remembered(): StackLocation | undefined {
  if (!existsSync(note)) return undefined;
  return { program: root, ...(JSON.parse(readFileSync(note, "utf8")) as Omit<StackLocation, "program">) };
}

/** The files of Pulumi programs in a folder and above it, the nearest first. */
function programFiles(folder: string): string[] {
  const names = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];
  const here = names.map((name) => join(folder, name)).filter((path) => existsSync(path));
  return dirname(folder) === folder ? here : [...here, ...programFiles(dirname(folder))];
}

/**
 * The folder of the Pulumi program that this folder belongs to, as Pulumi finds it. A program may run anything as
 * whoever asks for its state. So one is passed over that neither the user, nor root, nor whoever has this folder made:
 * everybody may write a file into a folder like /tmp.
 */
export function findProgram(folder: string): string | undefined {
  const owner = (path: string) => statSync(path, { throwIfNoEntry: false })?.uid;
  const makers = [process.getuid?.() ?? 0, 0, owner(folder)];
  const ours = programFiles(folder).find((path) => makers.includes(owner(path)));
  return ours && dirname(ours);
}

/** Everything that the lookup of a stack depends on. */
export interface LookupContext {
  cwd: string;
  environment: NodeJS.ProcessEnv;
  /** The stack that `npm start` left. */
  remembered: StackLocation | undefined;
  /** The checkout that this command belongs to. */
  checkout: string;
}

const here = (): LookupContext => ({
  cwd: process.cwd(),
  environment: process.env,
  remembered: remembered(),
  checkout: root,
});

/**
 * Possible places of the stack, the likeliest first. The next one is tried when no stack is selected in the one before.
 *
 * 1. Within another Pulumi program than this checkout: that program.
 * 2. In the checkout of `npm start`, and outside of any program: the stack that `npm start` left, unless the
 *    environment names another backend. If it names the same one (`platform env`), a stack that is selected in the
 *    checkout comes first.
 * 3. Within this checkout: this program.
 * @throws UserError if there is no program.
 */
export function stackCandidates(stack: string | undefined, context: LookupContext = here()): StackLocation[] {
  const { cwd, environment, remembered, checkout } = context;
  const program = findProgram(cwd);
  const given = (program: string): StackLocation => ({ program, stack, env: {} });
  if (program !== undefined && program !== checkout) return [given(program)];

  const chosen = CHOICES.filter((name) => environment[name]);
  const agrees = chosen.every((name) => environment[name] === (remembered?.env[name] ?? undefined));
  const isRemembered = remembered !== undefined && agrees && (stack === undefined || stack === remembered.stack);
  if (isRemembered && (chosen.length === 0 || program === undefined || stack !== undefined)) return [remembered];
  if (program !== undefined) return isRemembered ? [given(program), remembered] : [given(program)];
  const [foreign] = programFiles(cwd);
  const passedOver = foreign === undefined ? "" : `${foreign} is another user's; else `;
  throw new UserError(
    `${passedOver}there is no Pulumi program in this folder or above it: change to the folder of one, or give --redis URL`,
  );
}

/** The stack's location once its name is known: what `npm start` left has a settings file of its own. */
export function withName(location: StackLocation, name: string, others: StackLocation[]): StackLocation {
  return others.find((other) => other.stack === name) ?? { ...location, stack: name };
}
