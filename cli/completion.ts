// Completion of a command line of `wq`: which words may come next.
import { readdirSync } from "node:fs";
import type { Command, Option } from "commander";
import { findProgram } from "./stack/findStack.ts";
import { verbs } from "./verbs.ts";

/** A word that may come next, and what it is. */
interface Candidate {
  word: string;
  about: string;
}

/** Names of stacks with a settings file beside the program, and of runs. */
async function stackNames(): Promise<string[]> {
  const { listNotes } = await import("./stack/runFolder.ts");
  const program = findProgram(process.cwd());
  const files = program === undefined ? [] : readdirSync(program);
  const stacks = files.flatMap((file) => /^Pulumi\.(.+)\.ya?ml$/.exec(file)?.[1] ?? []);
  return [...stacks, ...listNotes().map(({ name }) => name)];
}

/** Names of the batches of the stack. */
async function batchNames(stack: string | undefined): Promise<string[]> {
  const { readStack } = await import("./stack/readStack.ts");
  const { findBatches } = await import("./stack/batches.ts");
  return findBatches((await readStack(stack)).state).map(({ name }) => name);
}

/** Values that an option takes; undefined if it is not known which. */
async function valuesOf(option: Option, words: string[]): Promise<string[]> {
  if (option.argChoices) return option.argChoices;
  if (option.long === "--stack") return stackNames();
  const at = words.indexOf("--stack");
  if (option.long === "--batch") return batchNames(at < 0 ? undefined : words[at + 1]);
  return [];
}

function optionsOf(command: Command): Candidate[] {
  const visible = command.createHelp().visibleOptions(command);
  return visible.map(({ long, short, description }) => ({ word: long ?? short!, about: description }));
}

async function candidates(words: string[]): Promise<Candidate[]> {
  const [name, ...rest] = words;
  if (rest.length === 0 || (name === "help" && rest.length === 1)) {
    const help = { word: "help", about: "show the help of a command" };
    return [...verbs.map(({ name, summary }) => ({ word: name, about: summary })), help];
  }
  const verb = verbs.find((verb) => verb.name === name);
  if (!verb) return [];
  const { default: command } = await verb.load();
  const before = rest.at(-2);
  const option = command.options.find(({ long, short, required }) => required && (before === long || before === short));
  if (before !== undefined && option) {
    return (await valuesOf(option, rest)).map((word) => ({ word, about: "" }));
  }
  if (rest.at(-1)!.startsWith("-")) return optionsOf(command);
  const choices = command.registeredArguments[0]?.argChoices ?? [];
  return choices.map((word) => ({ word, about: "" }));
}

/**
 * Lines `word TAB description` for the last of these words, which may be empty or half written.
 * @param words What stands after `wq`.
 */
export async function complete(words: string[]): Promise<string[]> {
  const half = words.at(-1) ?? "";
  try {
    // Names of files and stacks are left out if a shell would take them for more than a word.
    const isPlain = (word: string) => /^[\w@%+=:,./-]+$/.test(word);
    const fitting = (await candidates(words)).filter(({ word }) => word.startsWith(half) && isPlain(word));
    return fitting.map(({ word, about }) => `${word}\t${about}`);
  } catch {
    return []; // a prompt is no place for errors
  }
}
