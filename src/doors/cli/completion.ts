// Completion scripts for three shells, made from the commands: names, flags and closed lists of words.

import { GLOBAL_FLAGS, type Command } from './command.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One thing that may follow what was typed so far. */
interface Word {
  readonly word: string;
  readonly help: string;
}

/** The script that teaches `shell` what may follow `keystile`. Ends with a newline. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const nodes = nodesOf(commands);
  switch (shell) {
    case 'bash':
      return bash(nodes);
    case 'zsh':
      return zsh(nodes);
    case 'fish':
      return fish(nodes, commands);
  }
}

/** Every prefix of a command, such as ` environment`, with the words that may follow. Each word has a space in front. */
function nodesOf(commands: readonly Command[]): Map<string, Word[]> {
  const nodes = new Map<string, Word[]>();
  for (const command of commands) {
    for (const [depth, word] of command.path.entries()) {
      const isLast = depth === command.path.length - 1;
      add(nodes, prefix(command.path.slice(0, depth)), { word, help: isLast ? command.help : `${word} commands` });
    }
    for (const word of wordsAfter(command)) add(nodes, prefix(command.path), word);
  }
  return nodes;
}

function wordsAfter(command: Command): Word[] {
  const choices = (command.args ?? []).flatMap(({ name, choices }) =>
    (choices ?? []).map((word) => ({ word, help: name })),
  );
  const flags = Object.entries({ ...command.flags, ...GLOBAL_FLAGS });
  return [...choices, ...flags.map(([name, { help }]) => ({ word: `--${name}`, help }))];
}

function prefix(path: readonly string[]): string {
  return path.map((word) => ` ${word}`).join('');
}

function add(nodes: Map<string, Word[]>, at: string, word: Word): void {
  const words = nodes.get(at) ?? [];
  if (!words.some((known) => known.word === word.word)) words.push(word);
  nodes.set(at, words);
}

/** All prefixes but the empty one: what the typed words are matched against, one word after another. */
function prefixes(nodes: ReadonlyMap<string, unknown>): string[] {
  return [...nodes.keys()].filter((at) => at !== '');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function bash(nodes: ReadonlyMap<string, readonly Word[]>): string {
  const cases = [...nodes].map(
    ([at, words]) => `    ${quote(at)}) reply=${quote(words.map(({ word }) => word).join(' '))} ;;`,
  );
  return `# keystile completion bash >> ~/.bashrc
_keystile() {
  local typed='' reply='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$typed \${COMP_WORDS[i]}" in
      ${prefixes(nodes).map(quote).join('|')}) typed="$typed \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$typed" in
${cases.join('\n')}
  esac
  COMPREPLY=()
  while IFS='' read -r i; do COMPREPLY+=("$i"); done < <(compgen -W "$reply" -- "\${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _keystile keystile
`;
}

function zsh(nodes: ReadonlyMap<string, readonly Word[]>): string {
  const cases = [...nodes].map(
    ([at, words]) => `    ${quote(at)}) reply=(${words.map(({ word }) => quote(word)).join(' ')}) ;;`,
  );
  return `#compdef keystile
# keystile completion zsh > "\${fpath[1]}/_keystile"
_keystile() {
  local typed='' i
  local -a reply
  for ((i = 2; i < CURRENT; i++)); do
    case "$typed \${words[i]}" in
      ${prefixes(nodes).map(quote).join('|')}) typed="$typed \${words[i]}" ;;
    esac
  done
  case "$typed" in
${cases.join('\n')}
  esac
  compadd -- $reply || _files
}
if [ "\${funcstack[1]}" = _keystile ]; then _keystile "$@"; else compdef _keystile keystile; fi
`;
}

/** Fish takes \\ and ' escaped inside single quotes. */
function fishQuote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

function fish(nodes: ReadonlyMap<string, readonly Word[]>, commands: readonly Command[]): string {
  const takesValue = new Set(
    commands.flatMap(({ flags }) =>
      Object.entries({ ...flags, ...GLOBAL_FLAGS }).flatMap(([name, { value }]) => (value === undefined ? [] : [name])),
    ),
  );
  const lines = [...nodes].flatMap(([at, words]) =>
    words.map(({ word, help }) => {
      const option = word.startsWith('--')
        ? `-l ${word.slice(2)}${takesValue.has(word.slice(2)) ? ' -r' : ''}`
        : `-f -a ${word}`;
      return `complete -c keystile -n ${fishQuote(`__keystile_typed '${at}'`)} ${option} -d ${fishQuote(help)}`;
    }),
  );
  return `# keystile completion fish > ~/.config/fish/completions/keystile.fish
function __keystile_typed
    set -l typed ''
    set -l given (commandline -opc)
    set -e given[1]
    for word in $given
        switch "$typed $word"
            case ${prefixes(nodes).map(fishQuote).join(' ')}
                set typed "$typed $word"
        end
    end
    test "$typed" = "$argv[1]"
end
${lines.join('\n')}
`;
}
