// docs/queue/keys.md names the keys and fields that the sources name, and no others.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRecord } from "../../../queue/redis/record.ts";
import { DURATION_FIELDS, DURATION_SUM } from "../../../queue/durations.ts";
import { keyList, QUEUES } from "../../../queue/redis/keys.ts";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const page = read("docs/queue/keys.md");
const section = (title: string) => page.split(`\n## ${title}`)[1]!.split("\n## ")[0]!;
/** Names in the first column of a section's table. */
const firstColumn = (title: string) =>
  [...section(title).matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell]) =>
    [...cell!.matchAll(/`([^`]+)`/g)].map((m) => m[1]!),
  );
const lua = globSync("queue/scripts/**/*.lua", { cwd: root }).map(read).join("\n");
const names = (text: string) => [...text.matchAll(/["']([a-z]\w*)["']/g)].map((match) => match[1]!);

/** Fields of the batch that the sources name: in calls of Redis, in calls of helpers, and in lists of fields. */
function fieldsInSources(): string[] {
  const scripts = lua.replaceAll(/--.*$/gm, "");
  const calls = [...scripts.matchAll(/call\('H\w+', batchKey,([^\n]*(?:\n\s+'[^\n]*)*)/g)].flatMap(([, args]) =>
    fieldArgs(args!),
  );
  const helpers = [...scripts.matchAll(/\b(?:read|set)\(((?:'\w+'(?:, )?)+)/g)].flatMap(([, args]) => names(args!));
  const lists = [...scripts.matchAll(/local (?:NUMBERS|VANISHED) = \{([^}]*)\}/g)].flatMap(([, list]) => names(list!));
  const supervision = [...read("queue/admin/supervision.ts").matchAll(/^const \[.*\] = \[(.*)\];$/gm)].flatMap(
    ([, list]) => names(list!),
  );
  return [...calls, ...helpers, ...lists, ...supervision, DURATION_SUM, ...DURATION_FIELDS];
}

/** The names in arguments like `'state', 'open', 'endedAt', 0`; the other texts are states. */
function fieldArgs(args: string): string[] {
  const VALUES = new Set(["none", "seeding", "open", "aborted", "finished", "start"]);
  return names(args).filter((name) => !VALUES.has(name));
}

describe("docs/queue/keys.md", () => {
  it("has every key, and no other", () => {
    const channel = /\{\$\{queue\}\}:log`/.test(read("queue/redis/keys.ts")) ? ["{job2}:log"] : [];
    assert.deepEqual(firstColumn("Keys").sort(), [...keyList("job2"), ...channel, QUEUES].sort());
  });

  it("has every field of the batch, and no other", () => {
    assert.deepEqual(firstColumn("Fields of").sort(), [...new Set(fieldsInSources())].sort());
  });

  it("shows a valid record", () => {
    const [, text] = /\*\*Worked record\*\*.*\n\n((?: {4}.*\n|\n)+)/.exec(page)!;
    const record = text!.trimEnd().replaceAll(/^ {4}/gm, "");
    const { payload, lease, attempts } = parseRecord(2, Buffer.from(record), false);
    assert.equal(payload.toString(), "banana");
    assert.equal(lease?.session, "Zk3VbR8a");
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome),
      ["failed", "lost"],
    );
  });
});
