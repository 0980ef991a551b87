// Checks that a program must pass before any of its components is registered.
import { setTimeout as sleep } from "node:timers/promises";
import type * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../config/parse.ts";
import { requireNodejs, requirePulumi } from "../config/pulumiVersion.ts";
import { isMocked, ownError, program } from "./engine.ts";

/**
 * Components wait at most this long for the checks of others, ms. A check may itself wait for a component's resource.
 */
const PATIENCE_MS = 10_000;

/** The checks of one program. A process may run several, one after the other and side by side. */
class Checks {
  readonly pending: Promise<void>[] = [];
  readonly refusals: Error[] = [];
  /** Objects that are declared, and by which component. */
  readonly objects = new Map<string, string>();

  constructor() {
    if (isMocked()) return;
    requireNodejs();
    void this.await(requirePulumi());
  }

  /** Adds a check that takes time. @returns The same check. If it rejects, so does this. */
  await(check: Promise<void>): Promise<void> {
    const kept = check.catch((error: Error) => {
      throw ownError(error);
    });
    kept.catch(() => {}); // the components that wait for it report it
    this.pending.push(kept);
    return kept;
  }
}

const all = new WeakMap<object, Checks>();

function ofProgram(): Checks {
  const checks = all.get(program()) ?? new Checks();
  all.set(program(), checks);
  return checks;
}

/** Notes which component declares an object. @returns Another component that declares it, too. */
export function claimed(object: string, component: string): string | undefined {
  const { objects } = ofProgram();
  const other = objects.get(object);
  objects.set(object, other ?? component);
  return other === component ? undefined : other;
}

/** Refuses a component's arguments, after which the program creates nothing. */
export function refuse(component: string, message: string): never {
  const error = ownError(new ConfigError(component ? `${component}: ${message}` : message));
  ofProgram().refusals.push(error);
  throw error;
}

/**
 * Runs a check of a component's arguments.
 * @throws ConfigError that begins with the component's name, if one is given.
 */
export function checked<T>(component: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof ConfigError) refuse(component, error.message);
    throw error;
  }
}

/** The checks of one component. */
export class OwnChecks {
  readonly #all = ofProgram();
  readonly #own: Promise<void>[] = [];

  /** Adds a check that takes time. Components are registered when it has resolved; if it rejects, none is. */
  await(check: Promise<void>): void {
    this.#own.push(this.#all.await(check));
  }

  /**
   * Options that delay the registration of the component until the program has declared all of them and none refused
   * its arguments: a bad argument of the last one is an error before the first one is created.
   */
  options(opts: pulumi.ComponentResourceOptions = {}): pulumi.ComponentResourceOptions {
    return { ...opts, dependsOn: this.#passed().then(() => opts.dependsOn ?? []) as Promise<pulumi.Resource[]> };
  }

  async #passed(): Promise<void> {
    const { pending, refusals } = this.#all;
    const before = refusals.length;
    await new Promise(setImmediate);
    // With mocks a test wants to see each refusal by itself.
    if (refusals.length > before && !isMocked()) throw refusals[before]!;
    const patience = new AbortController();
    const given = sleep(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => {});
    // In the order of the program, so that of several refusals always the same one is reported.
    const inOrder = async () => {
      for (const check of pending) await check;
    };
    await Promise.race([inOrder(), given]).finally(() => patience.abort());
    await Promise.all(this.#own);
  }
}
