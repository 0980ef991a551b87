// The engine that runs the program of the components: whether it previews, is mocked, or still listens; how it fails.
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** True if it runs with mocks: then there is neither an engine nor a cluster. */
export function isMocked(): boolean {
  const { getMonitor } = pulumi.runtime as unknown as { getMonitor: () => unknown };
  return getMonitor() instanceof MockMonitor;
}

/** True if it only shows what it would do. */
export const isPreview = (): boolean => pulumi.runtime.isDryRun() || isMocked();

/**
 * An error with which a program fails: one line below a component. Pulumi reports an error once, however many
 * registrations it keeps from being made, so one cause is one object.
 */
export function failure(line: string, component: pulumi.Resource): Error {
  const error = keepsItsLine(new pulumi.ResourceError(line, component, true));
  // Pulumi prints the stack of an error that comes after the last line of the program was run.
  return Object.assign(error, { stack: line });
}

/** Keeps Pulumi from writing `error serializing property` into an error that an output was rejected with. */
export function keepsItsLine<E extends Error>(error: E): E {
  const { message } = error;
  return Object.defineProperty(error, "message", { get: () => message, set: () => {} });
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
