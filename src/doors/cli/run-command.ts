// `run`: a command with values in its environment, as `op run` has it. What goes where is settled here; what happens to
// the process is in doors/cli/run. Under a coding agent the command becomes a request, and the daemon runs it.

import { resolve } from 'node:path';
import { isAgentCommand } from '../../core/agents-above.ts';
import { DOTENV_BYTES_MAX } from '../../core/dotenv.ts';
import { Failure } from '../../core/failure.ts';
import { readEnvFile } from '../../core/env-file.ts';
import { readInputFile } from '../../machine/input-file.ts';
import { usage, type Call, type Command } from './command.ts';
import { runForHuman } from './run/human-run.ts';
import { ignoredSignals, ownEnvironment } from './run/own-environment.ts';
import { RunPlan } from './run-plan.ts';
import { runUnderAgent } from './run-under-agent.ts';
import { withValues } from './values.ts';

export const RUN_COMMAND: Command = {
  path: ['run'],
  flags: {
    environment: {
      value: 'ENV',
      names: 'environment',
      isRepeated: true,
      help: 'an environment of the vault; may be given more than once',
    },
    'env-file': {
      value: 'PATH',
      isRepeated: true,
      help: 'a dotenv file, with references in it; may be given more than once',
    },
    'no-masking': { help: 'show the output as it is; nothing of keystile stays beside the program then' },
  },
  takesCommand: true,
  help: 'run a command with secrets in its environment',
  details:
    'References (op://vault/item/field) are found in the variables of this shell and in the files. Of one name, the last\n' +
    '--environment counts before the last --env-file, and that before the shell. Values are masked in what the program prints;\n' +
    'on a terminal too. The passphrase is asked for at a terminal once in ten idle minutes, and after twelve hours in any\n' +
    'case. Exits as the command does, or with 128 and the number of the signal that ended it.',
  example: 'keystile run --environment staging -- npm start\nkeystile run --env-file .env -- docker compose up',
  run,
};

async function run(call: Call): Promise<number> {
  const argv = call.command;
  if (argv.length === 0) throw usage('run needs a command', 'write it behind --, as in keystile run -- npm start');
  const plan = planOf(call);
  if (!plan.isEmpty && isAgentCommand(argv)) {
    call.output.note(
      `keystile: ${argv[0]} is a coding agent, and will have these values in the clear; keystile setup is the other way`,
    );
  }
  try {
    if (plan.isEmpty) return await start(call, plan, []);
    return await withPlanned(call, plan);
  } finally {
    plan.wipe();
  }
}

async function withPlanned(call: Call, plan: RunPlan): Promise<number> {
  const { environments, references } = plan;
  try {
    const asked = { purpose: 'run' as const, environments, references, argv: call.command };
    return await withValues(call, asked, async (values) => await start(call, plan, values));
  } catch (error) {
    const isUnderAgent = error instanceof Failure && error.code === 'human/under_agent';
    if (!isUnderAgent) throw error;
    return await runUnderAgent(call, plan);
  }
}

async function start(call: Call, plan: RunPlan, values: Parameters<RunPlan['fill']>[0]): Promise<number> {
  const masking = call.has('no-masking') ? 'off' : 'on';
  const environment = ownEnvironment();
  const { unmaskable, ...filled } = plan.fill(values);
  // Before the program starts: afterwards the terminal is its own. It is the human's, so nothing is refused.
  if (masking === 'on' && unmaskable.length > 0)
    call.output.note(
      `keystile: masking cannot hide ${unmaskable.join(', ')}; where the program prints one, it is shown`,
    );
  return await runForHuman({ argv: call.command, masking, environment, ignored: ignoredSignals(), ...filled });
}

/** Everything but the values: which environments and references, and which text around them. Throws with the line. */
function planOf(call: Call): RunPlan {
  const surroundings = new Map(Object.entries(ownEnvironment()));
  const files = call.flags('env-file').map((path) => {
    const bytes = readInputFile(resolve(path), DOTENV_BYTES_MAX);
    try {
      return readEnvFile(bytes, surroundings);
    } catch (error) {
      throw inFile(error, path);
    } finally {
      bytes.fill(0);
    }
  });
  return new RunPlan(call.flags('environment'), files.flat(), surroundings);
}

function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof Failure)) return error;
  return new Failure(error.code, `${path}: ${error.message}`, { hint: error.hint, cause: error });
}
