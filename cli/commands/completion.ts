// `wq completion SHELL`: the script that makes a shell complete `wq`. It asks `wq complete` for the words
// (cli/completion.ts).
import { Argument } from "commander";
import { verbCommand } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";

const scripts: Record<string, string> = {
  bash: `_wq() {
  local IFS=$'\\n'
  COMPREPLY=($(wq complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _wq wq`,
  zsh: `#compdef wq
_wq() {
  local -a found
  found=("\${(@f)$(wq complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found//:/\\\\:}")
  found=("\${(@)found//$'\\t'/:}")
  if [[ -n "$found" ]]; then _describe wq found; else _files; fi
}
if [ "$funcstack[1]" = "_wq" ]; then _wq; else compdef _wq wq; fi`,
  fish: `function __wq_complete
  set -l words (commandline -opc) (commandline -ct)
  wq complete -- $words[2..] 2>/dev/null
end
complete -c wq -f -a '(__wq_complete)'
complete -c wq -n '__fish_seen_subcommand_from report' -F`,
};

export default verbCommand({
  name: "completion",
  description: "Prints a script for your shell, which makes it complete commands, options, stacks and batches of `wq`.",
  examples: [],
  exitCodes: { [EXIT_OK]: "printed" },
})
  .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(scripts)))
  .addHelpText(
    "after",
    `
Where it goes (\`wq\` must be on PATH):
  bash  eval "$(wq completion bash)"          in ~/.bashrc
  zsh   eval "$(wq completion zsh)"           in ~/.zshrc, after compinit
  fish  wq completion fish | source           in ~/.config/fish/config.fish`,
  )
  .action((shell: string) => console.log(scripts[shell]));
