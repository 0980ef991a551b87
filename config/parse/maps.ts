// Parsers of maps, and of what only Kubernetes checks.
import { ConfigError, invalid, kindOf } from "./configError.ts";
import { parser, withOutputs } from "./parser.ts";

/** True for a plain map. */
export const isMap = (value: unknown): value is Record<string, unknown> =>
  kindOf(value) === "Object" && !("__pulumiResource" in (value as object));

/** A list whose values only Kubernetes checks. */
export const list = (type: string) =>
  withOutputs(
    "anywhere",
    parser(
      `pulumi.Input<${type}>[]`,
      (key, value) => {
        if (!Array.isArray(value)) invalid(key, "a list", value);
        return value as unknown[];
      },
      true,
    ),
  );

/** A map whose values only Kubernetes checks. */
export const map = (type: string) =>
  withOutputs(
    "anywhere",
    parser(
      type,
      (key, value) => {
        if (!isMap(value)) invalid(key, "a map", value);
        return value;
      },
      true,
    ),
  );

/** A map from names to texts. A bad entry is not repeated, since it may be a secret. */
export const stringMap = withOutputs(
  "entries",
  parser(
    "Record<string, pulumi.Input<string>>",
    (key, value) => {
      if (!isMap(value)) invalid(key, "a map", value);
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([name, entry]) => [name, entryText(`${key}.${name}`, entry)]));
    },
    true,
  ),
);

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** Labels, as Kubernetes takes them. */
export const labels = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      const all = stringMap(key, value);
      const what = "at most 63 letters, digits, dashes, dots and underscores";
      for (const [name, text] of Object.entries(all)) {
        if (!LABEL_NAME.test(name)) invalid(key, `a map of labels, by names of ${what}`, name);
        if (!LABEL_VALUE.test(text)) invalid(`${key}.${name}`, `a label's value, ${what}`, text);
      }
      return all;
    },
    true,
  ),
);

/** Paths in a pod, by what is mounted there. */
export const mountPaths = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      const paths = stringMap(key, value);
      for (const [name, path] of Object.entries(paths))
        if (!path.startsWith("/")) invalid(`${key}.${name}`, "a path in the pod from its root, like /films", path);
      return paths;
    },
    true,
  ),
);

const RESOURCES = "k8s.types.input.core.v1.ResourceRequirements";

/** Requests and limits of a container. Kubernetes checks them, but takes memory without a unit as bytes. */
export const resources = withOutputs(
  "anywhere",
  parser(
    RESOURCES,
    (key, value) => {
      const all = map(RESOURCES)(key, value);
      for (const [kind, amounts] of Object.entries(all)) {
        const { memory } = (amounts ?? {}) as { memory?: unknown };
        if (["string", "number"].includes(typeof memory) && parseFloat(String(memory)) < 2 ** 20)
          if (/^[\d.]+m?$/.test(String(memory)))
            invalid(`${key}.${kind}.memory`, "a quantity with its unit, like 512Mi", memory);
      }
      return all;
    },
    true,
  ),
);

function entryText(key: string, entry: unknown): string {
  if (["string", "number", "boolean"].includes(typeof entry)) return String(entry);
  const got = entry === null || entry === undefined ? "nothing" : Array.isArray(entry) ? "a list" : "a map";
  throw new ConfigError(`Expected \`${key}\` to be a text, got ${got}.`);
}

/** Names of this project's variables: those of its programs, and those that a command gets for its item. */
const OWN_VARIABLE = /^(WQ_.*|ITEM|ITEM_ID|ITEM_ATTEMPT)$/;

/** True if a variable's name is this project's. */
export const isOwnVariable = (name: string): boolean => OWN_VARIABLE.test(name);

/** Environment variables. */
export const variables = withOutputs(
  "entries",
  parser(
    stringMap.type,
    (key, value) => {
      for (const name of isMap(value) ? Object.keys(value) : []) {
        if (!/^[-.\w]+$/.test(name) || /^\d/.test(name))
          invalid(key, "a map of variables, by names of letters, digits, `_`, `-` and `.`", name);
        if (isOwnVariable(name))
          throw new ConfigError(
            `Expected \`${key}\` to leave ${name} alone: the worker sets this variable itself. Take another name.`,
          );
      }
      const all = stringMap(key, value);
      for (const [name, text] of Object.entries(all))
        if (new RegExp(`\\$[({]?${name.replaceAll(".", "\\.")}\\b`).test(text))
          throw new ConfigError(
            `Expected \`${key}.${name}\` to be the whole value, since $${name} is not replaced in it.`,
          );
      return all;
    },
    true,
  ),
);
