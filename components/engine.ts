// The engine that runs the program of the components: whether it previews, is mocked, or still listens; how it fails.
import * as pulumi from "@pulumi/pulumi";
import { oneLine } from "../config/foreignText.ts";

/** The connection by which this program registers resources. Each inline program has its own. */
export const monitor = (): object | undefined =>
  (pulumi.runtime as unknown as { getMonitor: () => object | undefined }).getMonitor();

/**
 * True if it runs with mocks: then there is neither an engine nor a cluster. They may be those of another copy of the
 * SDK, as in a workspace with two versions of it.
 */
export const isMocked = (): boolean => "mocks" in (monitor() ?? {});

/** Key of a program without a stack: one of mocks, and a component in a plugin. */
const STACKLESS = {};

/** Key of this program: a process may run several, one after the other and side by side. */
export const program = (): object => pulumi.runtime.getStackResource() ?? STACKLESS;

/** True if it only shows what it would do. */
export const isPreview = (): boolean => pulumi.runtime.isDryRun() || isMocked();

/**
 * Fails a program by one line below a component. Pulumi reports an error object once, however many registrations it
 * prevents, so one cause is one object. If no engine listens any more, nothing is thrown, since that would reach the
 * next inline program of this process.
 */
export async function fail({ message }: Error, component: pulumi.Resource): Promise<never> {
  if (!(await hasEngine())) return new Promise(() => {});
  throw ownError(new pulumi.ResourceError(oneLine(message), component, true));
}

/** The connection of the program to which an error belongs. */
const programs = new WeakMap<object, object | undefined>();

/** Marks an error as one of this program, and keeps its one line. */
export function ownError<E extends Error>(error: E): E {
  const { message } = error;
  programs.set(error, monitor());
  // Pulumi prints the stack of an error that comes after the program has run to its last line.
  if (pulumi.RunError.isInstance(error) || pulumi.ResourceError.isInstance(error)) error.stack = message;
  // If an output is rejected with an error, Pulumi writes `error serializing property` into it.
  return Object.defineProperty(error, "message", { get: () => message, set: () => {} });
}

/** True if an error was marked by another program than that of a connection. */
export function isAnothers(error: unknown, own: object): boolean {
  const program = programs.get(error as object);
  return program !== undefined && program !== own;
}

/** Leaves properties of a component out of the stack's outputs, if a program exports the whole component. */
export function unlisted<C extends pulumi.ComponentResource>(component: C, ...names: (keyof C)[]): void {
  for (const name of names) Object.defineProperty(component, name, { enumerable: false });
}

/** A client of gRPC, as far as it is used. */
interface Client {
  waitForReady(deadline: number, ready: (error?: Error) => void): void;
}

/** An engine must answer within this time, ms. */
const PATIENCE_MS = 10_000;

/**
 * True if the engine listens. One that was killed or cancelled ends no program that waits for a cluster, and an inline
 * program's process lives on.
 */
export function hasEngine(): Promise<boolean> {
  const engine = pulumi.runtime.getEngine() as unknown as Client | undefined;
  if (!engine) return Promise.resolve(false);
  return new Promise((resolve) => engine.waitForReady(Date.now() + PATIENCE_MS, (error) => resolve(!error)));
}
