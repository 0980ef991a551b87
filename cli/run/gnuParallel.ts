// Words that users of GNU parallel and xargs know, and what `wq run` has instead.
import { replacer } from "../../config/replacements.ts";

const INSTEAD: [option: RegExp, instead: string][] = [
  [
    /^(-[mXNLl]|--max-(args|lines|replace-args)|--xargs)/,
    "an attempt has one item: `xargs -n 10 < LIST` makes lines of ten",
  ],
  [/^(-C|--colsep|--header|--csv)/, "make a JSON array of each line, `jq -Rc 'split(\",\")' TABLE`, and write {1}"],
  [/^(-d|--delimiter)/, "`tr , '\\n' < LIST` makes lines of it"],
  [/^(-[Ii]|--replace)/, "{} is the item"],
  [/^(-P|--max-procs)/, "-j is the number of pods"],
  [/^--(bar|progress)/, "--eta"],
  [/^--keep-order/, "-k"],
  [/^(-u|--(tag|group|ungroup|lb|line-buffer|linebuffer))/, "each row of the results has its item"],
  [/^--resume$/, "--resume-failed runs what is not done"],
  [/^--shuf/, "`shuf LIST | wq run …`"],
  [/^--(delay|load|memfree|memsuspend|noswap|nice|limit)/, "the cluster places the pods, by --cpu and --memory"],
  [
    /^(-S|--(sshlogin|transfer|return|trc|basefile))/,
    "--context chooses the cluster, --files what goes with the program",
  ],
  [/^--(wd|workdir)/, "--files FOLDER becomes the working directory"],
  [/^--(pipe|block|recstart|recend)/, "`split -l 1000 LIST` makes files, whose names can be items"],
  [/^(-[tv]|--verbose)/, "--dry-run prints the commands"],
];

/** An error about an unknown option, with what to do instead. @param similar Proposal of an option with a like name. */
export function unknownOption(option: string, similar = ""): string {
  const [, instead] = INSTEAD.find(([pattern]) => pattern.test(option)) ?? [];
  const advice = instead === undefined ? similar : `: ${instead}`;
  return `unknown option '${option}'${advice || ": options of the program come after its name"}`;
}

/** Replacement strings of GNU parallel, as whole arguments: `{%}`, `{..}`, `{2}`, `{1/.}`, `{-1}`, `{= perl =}`. */
const STRING = /^\{(%|-?\d+[./]*|\/?\.\.+|\+[./]+|=.*=)\}$/s;

/** Reason why a replacement string would not be replaced, one line; undefined without one. @param item Any item. */
export function wrongString(command: string[], item: string): string | undefined {
  const put = replacer(command)(item, 1);
  const kept = command.filter((word, at) => put[at] === word);
  const unknown = kept.find((word) => STRING.test(word));
  if (unknown === "{%}") return "nothing stands for {%}, since pods have no slots: $HOSTNAME names the pod";
  if (unknown !== undefined)
    return `nothing stands for ${unknown}: {} is the item, {1} the first part of one from several lists`;
  const [inCode] = kept.flatMap((word) => /\{[1-9]\}/.exec(word) ?? []);
  if (inCode === undefined || replacer(["program", inCode])(item, 1)[1] === inCode) return undefined;
  return `no ${inCode} in code, where it could run: sh -c 'echo "$1"' sh ${inCode}`;
}
