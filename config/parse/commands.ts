// Parsers of lists: the items, and commands.
import { wrongReplacement } from "../replacements.ts";
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
    return value;
  },
  true,
);

/** A command that is run once per item, which may stand in its arguments. */
export const itemCommand = parser(
  command.type,
  (key, value) => {
    const words = command(key, value);
    if (words.length === 1 && /^\S+\s+\S/.test(words[0]!))
      invalid(key, 'a list with an entry for each word, like ["python3", "process.py"]', value);
    const wrong = wrongReplacement(words);
    if (wrong !== undefined) throw new ConfigError(`Expected \`${key}\` to have ${wrong}.`);
    return words;
  },
  true,
);
