// The command line: words in, an exit code out. Which commands there are is handed in (cli.ts, value-commands.ts).

import { EXIT, Failure, type ExitCode } from '../../core/failure.ts';
import type { Connection } from '../../wire/client.ts';
import { usage, type Call, type Command } from './command.ts';
import { findDaemon, reachDaemon } from './daemon.ts';
import { commandHelp, groupHelp } from './help.ts';
import { processHuman } from './human.ts';
import { printFailure, processOutput, type Output } from './output.ts';
import { findCommand, firstWord, parseCommand, type Parsed } from './parse.ts';

/** Those whose first word this is; all of them when there is no such word. */
export type CommandsFor = (word: string | undefined) => Promise<readonly Command[]>;

/**
 * Runs one command of this process. `argv` are the words behind the program's name. Returns the exit code
 * (core/failure.ts); whatever goes wrong is said on the way: one line on standard error, or with `--format json` one
 * document on standard output. Never throws.
 */
export async function runCommandLine(argv: readonly string[], commandsFor: CommandsFor): Promise<number> {
  const isJson = wantsJson(argv);
  try {
    return await run(argv, commandsFor, processOutput(isJson));
  } catch (error) {
    const failure = Failure.from(error);
    printFailure(failure, isJson);
    return failure.exitCode;
  }
}

/** Known before anything is parsed, because a usage error has to be said in the right form too. */
function wantsJson(argv: readonly string[]): boolean {
  // Behind `--` are arguments, or a command of its own.
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  return own.some((word, i) => word === '--format=json' || (word === 'json' && own[i - 1] === '--format'));
}

async function run(argv: readonly string[], commandsFor: CommandsFor, output: Output): Promise<number> {
  const words = spelledOut(argv);
  const commands = await commandsFor(firstWord(words));
  if (words.length === 0 || words[0] === '--help' || words[0] === '-h') return say(output, groupHelp(commands, []));
  const found = findCommand(commands, words);
  if (found.kind === 'group') {
    const isAsked = found.rest.some((word) => word === '--help' || word === '-h');
    if (isAsked) return say(output, groupHelp(commands, found.path));
    throw usage(`${found.path.join(' ')} needs a command`, `see ${['keystile', ...found.path, '--help'].join(' ')}`);
  }
  const parsed = parseCommand(found.command, found.rest);
  if (parsed.flags.has('help')) return say(output, commandHelp(found.command));
  await using line = new Line();
  return await found.command.run(callOf(parsed, output, line));
}

/** `help COMMAND` and `--version`, as other programs have them. */
function spelledOut(argv: readonly string[]): readonly string[] {
  if (argv[0] === 'help') return [...argv.slice(1), '--help'];
  return argv[0] === '--version' ? ['version', ...argv.slice(1)] : argv;
}

function say(output: Output, text: string): ExitCode {
  output.raw(`${text}\n`);
  return EXIT.done;
}

/** At most one connection per command, closed at its end. */
class Line implements AsyncDisposable {
  #connection: Promise<Connection | null> | null = null;

  async reach(): Promise<Connection> {
    const found = await (this.#connection ?? null);
    if (found !== null) return found;
    const reached = reachDaemon();
    this.#connection = reached;
    return await reached;
  }

  async find(): Promise<Connection | null> {
    this.#connection ??= findDaemon();
    return await this.#connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connection?.catch(() => null);
    connection?.close();
  }
}

function callOf(parsed: Parsed, output: Output, line: Line): Call {
  return {
    argument(name) {
      const value = parsed.args.get(name);
      if (value === undefined) throw new TypeError(`no argument ${name}`);
      return value;
    },
    optionalArgument: (name) => parsed.args.get(name),
    arguments: () => parsed.repeated,
    flag(name) {
      const value = parsed.flags.get(name);
      return typeof value === 'string' ? value : undefined;
    },
    flags: (name) => parsed.repeatedFlags.get(name) ?? [],
    command: parsed.command,
    has: (name) => parsed.flags.has(name),
    output,
    human: processHuman(parsed.flags.has('passphrase-stdin')),
    daemon: async () => await line.reach(),
    runningDaemon: async () => await line.find(),
  };
}
