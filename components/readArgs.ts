// Reads a component's arguments by the table of settings: the same parsers, defaults and messages as in a stack file.
import * as pulumi from "@pulumi/pulumi";
import { closest } from "fastest-levenshtein";
import { concealing, isMap, type Parsed, type Parser } from "../config/parse.ts";
import type { Setting } from "../config/settings.ts";
import { checked, refuse } from "./programChecks.ts";
import type { Known } from "./types.ts";

type Table = Record<string, Setting>;
type Value<S extends Setting> = S extends { plain: true } ? Parsed<S["parse"]> : Known<Parsed<S["parse"]>>;

/** Arguments as the components use them; without a default they may be undefined. */
export type Values<S extends Table> = {
  [K in keyof S]: S[K] extends { default: object | string } ? Value<S[K]> : Value<S[K]> | undefined;
};

const isOutput = (value: unknown): boolean => pulumi.Output.isInstance(value) || value instanceof Promise;

/** True if a value is known only later: an output, or a list with one in it. */
export function isPending(value: unknown): boolean {
  return isOutput(value) || (Array.isArray(value) && value.some(isOutput));
}

/** Applies `fn` at once to a known value, to an output when it is known. */
export function later<T, U>(value: Known<T>, fn: (value: T) => Known<U>): Known<U> {
  if (!isPending(value)) return fn(value as T);
  return pulumi.output(value as pulumi.Output<T>).apply((known) => fn(known as T) as pulumi.Output<U>);
}

/** True if all of a tree is known now. */
export function isKnown(value: unknown): boolean {
  if (isOutput(value)) return false;
  return typeof value !== "object" || value === null || Object.values(value).every(isKnown);
}

/** {@link later} for a tree that may hold outputs at any depth, when all of it is known. */
export function whole<T, U>(value: T, fn: (value: pulumi.Unwrap<T>) => U): Known<U> {
  if (isKnown(value)) return fn(value as pulumi.Unwrap<T>);
  return pulumi.output(value).apply<U>(fn);
}

/**
 * The name that an argument gives, or the component's own.
 * @throws ConfigError if the component's own cannot be used.
 */
export function nameOf(component: string, key: string, given: string | undefined, own: string, parse: Parser<string>) {
  if (given !== undefined) return given;
  try {
    return parse(key, own);
  } catch (error) {
    return refuse(component, (error as Error).message.replace(" to be ", ", by default the component's name, to be "));
  }
}

/** Parses what is known of a value now, and the rest when it is known. */
function parsedInput(value: unknown, outputs: Parser["outputs"], parse: (known: unknown) => unknown): unknown {
  if (outputs === "entries" && isMap(value) && !isOutput(value)) {
    const parsed = (name: string) => (known: unknown) => (parse({ [name]: known }) as Record<string, unknown>)[name];
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, later(entry, parsed(name))]));
  }
  return outputs === "anywhere" && !isOutput(value) ? parse(value) : later(value, parse);
}

/**
 * Reads the arguments of a component.
 * @param component Its type and name, for messages: `Batch thumbs`.
 * @param table The settings that are its arguments.
 * @param args What the program gave; absent ones have their defaults.
 * @param others Names of arguments that are not settings.
 * @throws ConfigError of one line for an argument that is unknown or cannot be used. One that is an output is checked
 * when its value is known.
 */
export function readArgs<S extends Table>(component: string, table: S, args: object, others: string[]): Values<S> {
  if (typeof args !== "object" || args === null) refuse(component, "Expected its arguments as an object, got none.");
  const given = args as Record<string, unknown>;
  const known = [...Object.keys(table), ...others];
  for (const key of Object.keys(given)) {
    if (!known.includes(key))
      refuse(component, `There is no argument \`${key}\`; did you mean \`${closest(key, known)}\`?`);
  }
  const read = (key: string, { parse, default: otherwise, secret, plain }: Setting): unknown => {
    const value = given[key] ?? otherwise;
    if (value === undefined) return undefined;
    if (plain && isPending(value) && parse.outputs)
      refuse(component, `Expected \`${key}\` to be a plain map, whose values may be outputs, got an output.`);
    if (plain && isPending(value))
      refuse(component, `Expected \`${key}\` to be a plain value, since it decides what is created, got an output.`);
    const parsed = parsedInput(value, parse.outputs, (known) =>
      checked(component, () => concealing(secret, () => parse(key, known))),
    );
    return secret ? pulumi.secret(parsed) : parsed;
  };
  return Object.fromEntries(Object.entries(table).map(([key, setting]) => [key, read(key, setting)])) as Values<S>;
}
