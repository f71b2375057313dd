// Asks at the terminal: a hidden line, and a key. Says afterwards what it got, as hexadecimal, and whether echo is back.

import { execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { Failure } from '../../src/core/failure.ts';
import { openTerminal } from '../../src/machine/terminal.ts';

const terminal = openTerminal();
if (terminal === null) {
  console.log('no terminal');
} else {
  const answers: Record<string, unknown> = {};
  try {
    for (const question of process.argv.slice(2)) {
      if (question === 'key') {
        answers['key'] = await terminal.readKey('key? ');
      } else {
        using secret = await terminal.readHidden(`${question}? `);
        answers[question] = secret.reveal().toString('hex');
      }
    }
  } catch (error) {
    answers['failure'] = Failure.from(error).code;
  }
  answers['columns'] = terminal.columns;
  const stty = execFileSync('stty', ['-a'], {
    encoding: 'utf8',
    stdio: [openSync('/dev/tty', 'r'), 'pipe', 'inherit'],
  });
  answers['isEchoOn'] = / echo /.test(stty);
  terminal.close();
  console.log(JSON.stringify(answers));
}
