/** Turns a setting or an argument, a text or a value, into the value that the program uses. @throws ConfigError */
export interface Parser<T = unknown> {
  (key: string, value: unknown): T;
  /** TypeScript type of the argument, for the generated interfaces. */
  type: string;
  /** Written as a list or a map, not as a text. */
  structured: boolean;
  /** Outputs may stand anywhere in a value, or as entries of a map, which are checked one by one. */
  outputs?: "anywhere" | "entries";
}

/** The value that a parser of this type returns. */
export type Parsed<P> = P extends Parser<infer T> ? T : never;

/** A parser of this kind; `type` is that of the argument in TypeScript. */
export function parser<T>(type: string, parse: (key: string, value: unknown) => T, structured = false): Parser<T> {
  return Object.assign(parse, { type, structured });
}

/** The same, for values with outputs in them. */
export function withOutputs<P extends Parser>(outputs: P["outputs"], parse: P): P {
  return Object.assign(parse, { outputs });
}
