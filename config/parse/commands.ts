// Parsers of lists: the items, and commands.
import { needsShell, wrongReplacement } from "../replacements.ts";
import { ConfigError, invalid } from "./configError.ts";
import { parser } from "./parser.ts";

/** A list that {@link file://../items.ts} looks into, item by item. */
export const items = parser("pulumi.Input<string>[]", (_key, value) => value, true);

/** A program with its arguments. */
export const command = parser(
  "pulumi.Input<string>[]",
  (key, value) => {
    const isCommand = Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === "string");
    if (!isCommand) invalid(key, 'a list of texts like ["python3", "process.py"]', value);
    const [program] = value as [string];
    if (value.length === 1 && /^\S+\s+\S/.test(program))
      invalid(key, 'a list with an entry for each word, like ["python3", "process.py"]', value);
    if (/^\w+=/.test(program))
      invalid(key, "a list that begins with a program, since variables belong into `env`", value);
    const wrong = needsShell(value);
    if (wrong !== undefined) throw new ConfigError(`Expected \`${key}\` to have ${wrong}.`);
    return value;
  },
  true,
);

/** A command that is run once per item, which may stand in its arguments. */
export const itemCommand = parser(
  command.type,
  (key, value) => {
    const words = command(key, value);
    const wrong = wrongReplacement(words);
    if (wrong !== undefined) throw new ConfigError(`Expected \`${key}\` to have ${wrong}.`);
    return words;
  },
  true,
);
