/**
 * The completion script of each shell. It runs `mistify complete`, which prints a word per line, then a tab and a
 * description. Without any word, the shell completes file names.
 */
export const COMPLETION_SCRIPTS = {
  // bash splits words at : and =, which image IDs may contain.
  bash: `_mistify() {
  local line="\${COMP_LINE:0:COMP_POINT}" word words prefix
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  prefix="\${words[-1]}"
  prefix="\${prefix%"\${prefix##*[:=]}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    [[ $word == :* ]] || COMPREPLY+=("\${word#"$prefix"}")
  done < <(mistify complete -- "\${words[@]:1}" 2> /dev/null)
}
complete -o default -F _mistify mistify`,
  zsh: `#compdef mistify
_mistify() {
  local -a candidates
  local word text
  while IFS=$'\\t' read -r word text; do
    [[ $word == :* ]] || candidates+=("\${word//:/\\\\:}:$text")
  done < <(mistify complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  if (( \${#candidates} )); then _describe 'mistify' candidates; else _files; fi
}
compdef _mistify mistify`,
  fish: `function __mistify_complete
  set -l words (commandline -opc) (commandline -ct)
  mistify complete -- $words[2..-1] 2> /dev/null | string match --invert ':*'
end
complete -c mistify -n 'count (__mistify_complete) > /dev/null' -f
complete -c mistify -a '(__mistify_complete)'`,
} as const;

export type Shell = keyof typeof COMPLETION_SCRIPTS;
export const SHELLS = Object.keys(COMPLETION_SCRIPTS) as Shell[];
