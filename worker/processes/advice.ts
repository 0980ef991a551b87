// Advice for a program that expects another container than its own.

/** The way out, by words of a log. */
const ADVICE: [words: RegExp, advice: string][] = [
  [
    /(ENOENT|No such file|Cannot find module).*\/job-wq-2\/code\//,
    "(only a handler's code comes with it: other files belong into `files`, or into a `baseImage`)",
  ],
  [/^.*ModuleNotFoundError: No module named/, "(`requirements` names the packages to install)"],
  [/No space left on device.*\/dev\/shm|shared memory \(shm\)/, "(`sharedMemory` sets the size of /dev/shm)"],
  [/\bEROFS\b|read-only file ?system/i, "(only /tmp and the volumes of `claims` can be written)"],
  // About files. Databases and SSH use these words, too, and say more.
  [
    /\bEACCES\b|permission denied(?! (\(|for ))|getpwuid|No user exists for uid|cannot find name for user ID/i,
    `(it runs as user ${process.getuid?.()}; \`runAsUser\` chooses another)`,
  ],
];

/** Characters of a line that are looked at, since it may be endless. */
const MAX_LOOKED_AT = 2_000;

/** The advice for a line of a log, in brackets; undefined if there is none. */
export function adviceFor(line: string): string | undefined {
  const beginning = line.slice(0, MAX_LOOKED_AT);
  return ADVICE.find(([words]) => words.test(beginning))?.[1];
}

/** The text of an error, with advice at the end of the line that needs it. */
export function advised(text: string): string {
  const lines = text.split("\n");
  const at = lines.findIndex(adviceFor);
  return at < 0 ? text : lines.with(at, `${lines[at]} ${adviceFor(lines[at]!)}`).join("\n");
}
