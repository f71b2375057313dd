// Completion scripts for three shells, made from the commands: names, flags, closed lists of words, and for arguments that
// name something the daemon knows, a call of `keystile completion-words`. What that prints is never read as shell code.

import type { Command } from './command.ts';
import { treeOf, type Offer, type Tree, type Word } from './completion-tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that teaches `shell` what may follow `keystile`. Ends with a newline. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const tree = treeOf(commands);
  switch (shell) {
    case 'bash':
      return bash(tree);
    case 'zsh':
      return zsh(tree);
    case 'fish':
      return fish(tree);
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A pattern of `case`: a star at the end stays one. */
function pattern(at: string): string {
  return at.endsWith('*') ? `${quote(at.slice(0, -1))}*` : quote(at);
}

/** `case` branches; `words` says how the shell is told a list of words. */
function branches(offers: ReadonlyMap<string, Offer>, words: (list: readonly Word[]) => string): string {
  const lines = [...offers].map(([at, offer]) => {
    switch (offer.kind) {
      case 'words':
        return `    ${pattern(at)}) reply=${words(offer.words)} ;;`;
      case 'names':
        return `    ${pattern(at)}) names=${offer.names} ;;`;
      case 'files':
        return `    ${pattern(at)}) ;;`;
    }
  });
  return lines.join('\n');
}

function asOffers(flags: ReadonlyMap<string, readonly Word[]>): ReadonlyMap<string, Offer> {
  return new Map([...flags].map(([at, words]) => [at, { kind: 'words', words }]));
}

/** The same for bash and zsh: which command, how many arguments behind it, and the flag whose value comes next. */
function walk(tree: Tree, array: string, first: number, current: string, joins = ''): string {
  return `  for ((i = ${first}; i < ${current}; i++)); do
    word=\${${array}[i]}${joins}
    if [[ -n $flag ]]; then flag=''; continue; fi
    case "$word" in
      ${tree.valueFlags.join('|')}) flag=$word; continue ;;
      -*) continue ;;
    esac
    case "$at$typed $word" in
      ${tree.prefixes.map((at) => quote(`0${at}`)).join('|')}) typed="$typed $word" ;;
      *) at=$((at + 1)) ;;
    esac
  done`;
}

/** Bash breaks `op://a/b` and `--flag=value` into three words each (COMP_WORDBREAKS in bash(1)). */
const BASH_JOINS = `
    if [[ $word == : ]]; then i=$((i + 1)); continue; fi
    if [[ $word == = ]]; then continue; fi`;

function bashWords(list: readonly Word[]): string {
  return quote(list.map(({ word }) => word).join(' '));
}

function zshWords(list: readonly Word[]): string {
  return `(${list.map(({ word }) => quote(word)).join(' ')})`;
}

/** A name could be anything, so it is quoted by the shell before it is offered; \`compgen -W\` would run what it says. */
function bash(tree: Tree): string {
  return `# keystile completion bash >> ~/.bashrc
_keystile() {
  local typed='' flag='' reply='' names='' word i at=0 current="\${COMP_WORDS[COMP_CWORD]}"
${walk(tree, 'COMP_WORDS', 1, 'COMP_CWORD', BASH_JOINS)}
  if [[ $current == = ]]; then current=''; fi
  if [[ -n $flag ]]; then
    case "$typed $flag" in
${branches(tree.values, bashWords)}
    esac
  elif [[ $current == -* ]]; then
    case "$typed" in
${branches(asOffers(tree.flags), bashWords)}
    esac
  else
    case "$typed:$at" in
${branches(tree.arguments, bashWords)}
    esac
  fi
  COMPREPLY=()
  while IFS='' read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$reply" -- "$current")
  [[ -n $names ]] || return 0
  while IFS='' read -r word; do
    printf -v word '%q' "$word"
    if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done < <(command keystile completion-words "$names" 2>/dev/null </dev/null)
}
complete -o default -F _keystile keystile
`;
}

function zsh(tree: Tree): string {
  return `#compdef keystile
# keystile completion zsh > "\${fpath[1]}/_keystile"
_keystile() {
  local typed='' flag='' names='' word i at=0
  local -a reply
${walk(tree, 'words', 2, 'CURRENT')}
  if [[ -n $flag ]]; then
    case "$typed $flag" in
${branches(tree.values, zshWords)}
    esac
  elif [[ $PREFIX == -* ]]; then
    case "$typed" in
${branches(asOffers(tree.flags), zshWords)}
    esac
  else
    case "$typed:$at" in
${branches(tree.arguments, zshWords)}
    esac
  fi
  if [[ -n $names ]]; then
    reply=("\${(@f)$(command keystile completion-words "$names" 2>/dev/null </dev/null)}")
    reply=("\${(@)reply:#}")
    (( $#reply == 0 )) || compadd -a reply
  elif (( $#reply == 0 )); then
    _files
  else
    compadd -a reply
  fi
}
if [ "\${funcstack[1]}" = _keystile ]; then _keystile "$@"; else compdef _keystile keystile; fi
`;
}

/** Fish takes \\ and ' escaped inside single quotes. */
function fishQuote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

function fishAt(at: string): string {
  return `-n ${fishQuote(`__keystile_typed '${at}'`)}`;
}

function fish(tree: Tree): string {
  const offers = [...tree.arguments].flatMap(([at, offer]) => {
    // Behind the last argument fish offers the flags by itself.
    const list = at.endsWith('*') ? [] : fishOffer(offer);
    return list.map((offered) => `complete -c keystile ${fishAt(at)} ${offered}`);
  });
  const flags = [...tree.flags].flatMap(([at, words]) =>
    words.map(({ word, help }) => {
      const value = tree.values.get(`${at} ${word}`);
      const takes = value === undefined ? '' : value.kind === 'files' ? ' -r' : ` -r ${fishValue(value)}`;
      return `complete -c keystile ${fishAt(`${at}:*`)} -l ${word.slice(2)}${takes} -d ${fishQuote(help)}`;
    }),
  );
  return `# keystile completion fish > ~/.config/fish/completions/keystile.fish
function __keystile_typed
    set -l typed ''
    set -l flag ''
    set -l at 0
    set -l given (commandline -opc)
    set -e given[1]
    for word in $given
        if test -n "$flag"
            set flag ''
            continue
        end
        switch $word
            case ${tree.valueFlags.join(' ')}
                set flag $word
                continue
            case '-*'
                continue
        end
        switch "$at$typed $word"
            case ${tree.prefixes.map((at) => fishQuote(`0${at}`)).join(' ')}
                set typed "$typed $word"
            case '*'
                set at (math $at + 1)
        end
    end
    string match -q -- $argv[1] "$typed:$at"
end
function __keystile_names
    command keystile completion-words $argv[1] 2>/dev/null </dev/null
end
${[...offers, ...flags].join('\n')}
`;
}

function fishOffer(offer: Offer): string[] {
  switch (offer.kind) {
    case 'words':
      return offer.words.map(({ word, help }) => `-f -a ${word}${help === '' ? '' : ` -d ${fishQuote(help)}`}`);
    case 'names':
      return [`-f -a ${fishQuote(`(__keystile_names ${offer.names})`)}`];
    case 'files':
      return [];
  }
}

/** One flag takes all of its words at once. */
function fishValue(offer: Offer): string {
  if (offer.kind !== 'words') return fishOffer(offer).join(' ');
  return `-f -a ${fishQuote(offer.words.map(({ word }) => word).join(' '))}`;
}
