// The line of a log that says why a program ended: the last line, except those that its language or its launcher prints
// after the reason.
const AFTERWARDS = [
  /^\s|^[})\]^]+$|^-{4,}|^Stack ?trace:|^\.\.\. \d+ more|^note: |^(Node\.js|Bun) v\d/, // stacks, Node.js, Java, Rust
  /^goroutine \d+ \[|^exit status \d+$|^created by |^\[signal |^[\w./*()-]+\(.*\)$|^#\d+ /, // Go, PHP
  /^Execution halted$|^Calls: |^in expression starting at /, // R, Julia
  /^npm (error|ERR!)(\s*$| {2}| (A complete log|To see a list|Lifecycle script|code|errno|path|command|workspace|location)\b)/,
  /^error Command failed with exit code|^info Visit https:\/\/yarnpkg/,
  /^g?make(\[\d+\])?: (\*\*\* \[.*\] Error \d|Leaving directory)/,
  /^ERROR conda\.cli\.main_run|^error: process didn't exit successfully/, // conda, Cargo
];

/** Characters of a line that are looked at, since the patterns would take seconds for a long line. */
const MAX_JUDGED = 500;

/** True for a line that comes after the reason. */
export function isAftermath(line: string): boolean {
  const beginning = line.slice(0, MAX_JUDGED);
  return AFTERWARDS.some((words) => words.test(beginning));
}

/** The reason in the end of a log; its last line if it has none. */
export function reasonIn(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  return (lines.findLast((line) => !isAftermath(line)) ?? lines.at(-1) ?? "").trim();
}
