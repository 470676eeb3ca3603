/**
 * What shells run to complete a line: each asks `mistify complete` for the words that may come next, a line each, with
 * a tab before their descriptions. Where there is none, the shell completes names of files.
 */
export const COMPLETION_SCRIPTS = {
  // bash takes : and = for the ends of words, which they are not in ids of images.
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
  local -a replies
  local word text
  while IFS=$'\\t' read -r word text; do
    [[ $word == :* ]] || replies+=("\${word//:/\\\\:}:$text")
  done < <(mistify complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)
  if (( \${#replies} )); then _describe 'mistify' replies; else _files; fi
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
