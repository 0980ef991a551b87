// The texts that are generated from the table of settings; `npm run docs` writes them, and a test compares them.
import { format } from "prettier";
import {
  batchSettings,
  imageSettings,
  programSettings,
  redisKey,
  redisSettings,
  type Setting,
} from "../config/settings.ts";

type Table = Record<string, Setting>;
const tables: [title: string, table: Table][] = [
  ["Items and work", batchSettings],
  ["Image", imageSettings],
  ["Redis", Object.fromEntries(Object.entries(redisSettings).map(([key, setting]) => [redisKey(key), setting]))],
  ["Program", programSettings],
];
const MARKER = "# Generated from config/settings.ts by `npm run docs`, to the end of the file.";

/** A value as YAML has it, so that `pulumi config` shows a number as one. */
const yamlDefault = (value: string | object) =>
  typeof value === "string" && /^(true|false|\d+)$/.test(value) ? value : JSON.stringify(value);

/** Pulumi.yaml with the settings that have a default, after what stands before them in `current`. */
export function pulumiYaml(current: string): string {
  const entries = tables
    .flatMap(([, table]) => Object.entries(table))
    // Maps are left out, since `pulumi config` would print their JSON in a column.
    .filter(([, { default: otherwise }]) => typeof otherwise === "string")
    .map(([key, { default: otherwise, description }]) => {
      // Numbers and flags have no type here: Pulumi would refuse a bad one first, in words that leave out what is
      // allowed.
      const value = yamlDefault(otherwise!);
      const type = value.startsWith('"') ? "    type: string\n" : "";
      return `  ${key}:\n${type}    default: ${value}\n    description: ${JSON.stringify(description.replaceAll("`", ""))}\n`;
    });
  return `${current.split(MARKER)[0]!}${MARKER}\nconfig:\n${entries.join("")}`;
}

/** docs/settings.md. */
export async function settingsPage(): Promise<string> {
  const parts = tables.map(([title, table]) => {
    const rows = Object.entries(table).map(([key, { default: otherwise, description, secret }]) => {
      const value = typeof otherwise === "string" ? `\`${otherwise}\`` : "";
      const map = typeof otherwise === "object" ? `. Default: \`${JSON.stringify(otherwise)}\`` : "";
      return `| \`${key}\` | ${value} | ${description}${map}${secret ? " (secret)" : ""} |`;
    });
    return [`## ${title}`, "", "| setting | default | |", "| --- | --- | --- |", ...rows, ""].join("\n");
  });
  const intro = [
    "# Settings",
    "",
    "<!-- Generated from config/settings.ts by `npm run docs`. -->",
    "",
    "Each setting is a key of a stack file, `job-wq-2:KEY`. `pulumi config set KEY VALUE` sets it; lists and maps need `--path`, or are JSON.",
    "In a program of your own they are the arguments of `Batch`, `WorkerImage` and `Redis`. There, those of `Redis` have no `redis` in front.",
    "",
  ];
  return format([...intro, ...parts].join("\n"), { parser: "markdown", printWidth: 120 });
}

/** A documentation comment of a field, of at most 120 columns. */
function comment(text: string): string {
  if (text.length <= 110) return `  /** ${text} */`;
  const lines = text.split(" ").reduce<string[]>((all, word) => {
    const last = all.at(-1);
    return last && last.length + word.length < 115 ? [...all.slice(0, -1), `${last} ${word}`] : [...all, word];
  }, []);
  return ["  /**", ...lines.map((line) => `   * ${line}`), "   */"].join("\n");
}

const interfaces: [name: string, of: string, table: Table][] = [
  ["RedisSettings", "Redis", redisSettings],
  ["ImageSettings", "WorkerImage", imageSettings],
  ["BatchSettings", "Batch", batchSettings],
];

/** components/args.ts. */
export async function argsSource(): Promise<string> {
  const parts = interfaces.map(([name, of, table]) => {
    const fields = Object.entries(table).map(([key, { parse, default: otherwise, description, plain }]) => {
      const value = otherwise === undefined ? "" : ` @default ${yamlDefault(otherwise)}`;
      return `${comment(`${description}.${value}`)}\n  ${key}?: ${plain ? parse.type : `pulumi.Input<${parse.type}>`};`;
    });
    return `/** Settings of {@link file://./index.ts | ${of}}; all have a default or may be left out. */\nexport interface ${name} {\n${fields.join("\n")}\n}\n`;
  });
  const head = [
    "// Generated from config/settings.ts by `npm run docs`.",
    'import type * as k8s from "@pulumi/kubernetes";',
    'import type * as pulumi from "@pulumi/pulumi";',
    "",
  ];
  return format([...head, ...parts].join("\n"), { parser: "typescript", printWidth: 120, trailingComma: "all" });
}
