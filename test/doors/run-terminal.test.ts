// A person's run at a terminal, as the person sees it: every program in a tmux of its own, once as it is and once under
// our run, and the two screens compared.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { canary, eventually, has } from '../house.ts';

const PROGRAM = fileURLToPath(new URL('../programs/run-human.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'keystile-term-'));
const secret = canary();
const values = join(folder, 'values.json');
writeFileSync(values, JSON.stringify({ API_TOKEN: secret }));
const lines = join(folder, 'lines.txt');
writeFileSync(lines, Array.from({ length: 200 }, (_none, i) => `line ${i + 1} of many`).join('\n'));
/** What people type instead of `keystile run`. */
writeFileSync(join(folder, 'under'), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "${values}" -- "$@"\n`, {
  mode: 0o755,
});

/** A shell in a tmux of its own. */
class Screen implements Disposable {
  static #count = 0;
  readonly #socket = join(folder, `tmux-${(Screen.#count += 1)}`);
  #prompts = 0;
  /** The number of the last prompt that was used. */
  #used = 1;

  constructor() {
    const env = `env -i HOME=${folder} LANG=C.UTF-8 PATH=${folder}:/usr/local/bin:/usr/bin:/bin PS1='P\\#> '`;
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      '80',
      '-y',
      '24',
      `${env} TERM=screen bash --norc --noprofile`,
    );
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-S', this.#socket, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    });
  }

  /** As it looks now, with colours when asked. */
  look(withColours = false): string {
    return this.#tmux('capture-pane', '-p', ...(withColours ? ['-e'] : []));
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  key(...names: readonly string[]): void {
    this.#tmux('send-keys', ...names);
  }

  /** A line at the prompt of the shell. */
  enter(line: string): void {
    this.type(line);
    this.key('Enter');
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async see(what: RegExp): Promise<string> {
    try {
      return await eventually(() => (what.test(this.look()) ? this.look() : undefined), String(what));
    } catch (error) {
      throw new Error(`${String(what)} was not in:\n${this.look()}`, { cause: error });
    }
  }

  /** Waits until the shell answers again, and says how the last command ended and how the terminal was left. */
  async prompt(): Promise<string> {
    this.#prompts += 1;
    // Typed before the shell reads again, it would be the program's, and gone with it.
    this.#used = await this.#nextPrompt();
    this.enter(
      `echo "code $? ${this.#prompts}."; stty -a | grep -oE -- '-?(icanon|echo|opost|isig) ?$|-?(icanon|echo|opost|isig) ' | tr -d '\\n'; echo`,
    );
    const seen = await this.see(new RegExp(`^code \\d+ ${this.#prompts}\\..*\\n.*echo`, 'm'));
    const last = new RegExp(`^code (\\d+) ${this.#prompts}\\..*\\n(.*)$`, 'm').exec(seen);
    assert.doesNotMatch(last?.[2] ?? '-', /-/, 'the terminal is left as it was');
    return last?.[1] ?? '';
  }

  async #nextPrompt(): Promise<number> {
    const newest = (): number => Math.max(...[...this.look().matchAll(/P(\d+)>/g)].map(([, number]) => Number(number)));
    const seen = await eventually(() => (newest() > this.#used ? newest() : undefined), `a prompt in ${this.look()}`);
    // What is typed there is a command too.
    return seen + 1;
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server');
  }
}

async function both(command: string, use: (screen: Screen) => Promise<string>): Promise<readonly [string, string]> {
  const screens: string[] = [];
  for (const prefix of ['', 'under ']) {
    using screen = new Screen();
    screen.enter(`clear; PS1=; ${prefix}${command}`);
    screens.push(await use(screen));
  }
  return [screens[0] ?? '', screens[1] ?? ''];
}

describe('a person’s run at a terminal', { skip: !has('tmux') }, () => {
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  test('full screens look as they do without us', { skip: !has('vim') || !has('less') }, async () => {
    const [bare, ours] = await both(`vim -n -u NONE -N ${lines}`, async (screen) => {
      await screen.see(/line 1 of many/);
      screen.type(':set number');
      screen.key('Enter');
      await screen.see(/ 2 line 2 of many/);
      screen.key('G');
      await screen.see(/200 line 200 of many/);
      screen.type('ohello');
      screen.key('Escape');
      return await screen.see(/201 hello\n(?![^]*INSERT)/);
    });
    assert.equal(ours, bare);
    const [bareLess, oursLess] = await both(`less ${lines}`, async (screen) => {
      await screen.see(/line 23 of many/);
      screen.key('Space');
      return await screen.see(/line 46 of many\n:/);
    });
    assert.equal(oursLess, bareLess);
  });

  test('colours stay, and so does what a program asks of its terminal', async () => {
    const look =
      'clear; ls --color=auto -d /tmp; stty size; stty -a; test -t 0 && test -t 1 && test -t 2 && echo all three';
    writeFileSync(join(folder, 'look'), `#!/bin/sh\n${look}\n`, { mode: 0o755 });
    const [bare, ours] = await both('look', async (screen) => {
      await screen.see(/^all three$/m);
      return screen.look(true);
    });
    assert.equal(ours, bare);
    assert.ok(ours.includes('\u001b['), 'there are colours');
  });

  test(
    'top, an interpreter and a database client print what they print without us',
    { skip: !has('top') },
    async () => {
      using screen = new Screen();
      screen.enter('clear; under top -b -n1 | head -n 3; under sh -c "top -b -n1 | head -n 7 | tail -n 1"');
      await screen.see(/Tasks:.*\n[^]*PID USER/);
      assert.equal(await screen.prompt(), '0');
      if (!has('psql')) return;
      const [bare, ours] = await both('psql --version', async (other) => await other.see(/PostgreSQL\) \d/));
      assert.equal(ours, bare);
    },
  );

  test('a value is masked where a program prints it, and where it is typed', { skip: !has('python3') }, async () => {
    using screen = new Screen();
    screen.enter(`under python3 -i -c 'import os'`);
    await screen.see(/^>>>$/m);
    screen.enter(`print('a', os.environ['API_TOKEN'], 'z')`);
    await screen.see(/^a \[REDACTED:API_TOKEN\] z$/m);
    screen.enter(`input('name: ')`);
    // A prompt without a newline is seen at once.
    await screen.see(/^name:$/m);
    screen.enter(secret);
    await screen.see(/^'\[REDACTED:API_TOKEN\]'$/m);
    assert.ok(!screen.look().includes(secret));
    screen.key('C-d');
    assert.equal(await screen.prompt(), '0');
    assert.ok(!screen.look().includes(secret));
  });

  test('a value that the terminal itself echoes is masked', async () => {
    using screen = new Screen();
    screen.enter(`clear; under sh -c 'echo ready; exec cat'`);
    await screen.see(/^ready$/m);
    screen.enter(`x${secret}y`);
    await screen.see(/^x\w{0,2}\[REDACTED:API_TOKEN\]y\nx\[REDACTED:API_TOKEN\]y\n/m);
    screen.key('C-d');
    assert.equal(await screen.prompt(), '0');
  });

  test('what is typed is seen as it is typed, although most characters start some spelling of a value', async () => {
    using screen = new Screen();
    screen.enter(`clear; under sh -c 'echo ready; exec cat'`);
    await screen.see(/^ready$/m);
    let typed = '';
    for (const character of 'canYou123/%') {
      screen.type(character);
      typed += character;
      // Three characters that start a value have to wait for a fourth that decides.
      if (typed !== 'can') await screen.see(new RegExp(`^${typed}$`, 'm'));
    }
    screen.key('C-c');
    assert.equal(await screen.prompt(), '130');
  });

  test('Ctrl-C reaches the program, and its own way with it is its own', async () => {
    using screen = new Screen();
    screen.enter(`under sh -c 'trap "echo caught" INT; echo ready; sleep 1000; exit 9'`);
    await screen.see(/^ready$/m);
    screen.key('C-c');
    await screen.see(/caught/);
    assert.equal(await screen.prompt(), '9');
    assert.equal(screen.look().match(/^\^?C?caught$/gm)?.length, 1);
  });

  test('Ctrl-Z stops the program and us, and fg brings both back', { skip: !has('vim') }, async () => {
    using screen = new Screen();
    screen.enter(`under vim -n -u NONE -N ${lines}`);
    await screen.see(/line 1 of many/);
    screen.key('C-z');
    await screen.see(/Stopped/);
    assert.equal(await screen.prompt(), '148');
    screen.enter('clear; fg');
    await screen.see(/^line 1 of many$/m);
    screen.type(':$');
    screen.key('Enter');
    await screen.see(/line 200 of many/);
    screen.type(':cquit 5');
    screen.key('Enter');
    assert.equal(await screen.prompt(), '5');
  });

  test('an editor that is stopped has given the screen back first', { skip: !has('vim') }, async () => {
    using screen = new Screen();
    screen.enter('clear; echo what was there before');
    await screen.see(/^what was there before$/m);
    screen.enter(`under vim -n -u NONE -N ${lines}`);
    await screen.see(/line 20 of many/);
    screen.key('C-z');
    await screen.see(/Stopped/);
    assert.match(screen.look(), /^what was there before$/m);
    assert.doesNotMatch(screen.look(), /line \d+ of many/);
    assert.equal(await screen.prompt(), '148');
    screen.enter('fg');
    await screen.see(/line 20 of many/);
    screen.type(':q!');
    screen.key('Enter');
    assert.equal(await screen.prompt(), '0');
  });

  test('a program that knows nothing of job control is stopped and goes on all the same', async () => {
    using screen = new Screen();
    screen.enter(`clear; under sh -c 'echo ready; sleep 1000; echo never'`);
    await screen.see(/^ready$/m);
    screen.key('C-z');
    await screen.see(/Stopped/);
    assert.equal(await screen.prompt(), '148');
    screen.enter('clear; fg');
    await screen.see(/^under sh/m);
    screen.key('C-c');
    assert.equal(await screen.prompt(), '130');
  });

  test('a new size of the window reaches the program', async () => {
    using screen = new Screen();
    screen.enter(`under bash --norc -c 'trap "stty size" WINCH; echo ready; while :; do read -t 0.2; done'`);
    await screen.see(/^ready$/m);
    screen.resize(100, 30);
    await screen.see(/^30 100$/m);
    screen.key('C-c');
    assert.equal(await screen.prompt(), '130');
  });

  test('the terminal is as it was, however the program or we are ended', async () => {
    using screen = new Screen();
    screen.enter(`under sh -c 'stty raw -echo; kill -9 $$'`);
    assert.equal(await screen.prompt(), '137');
    for (const [name, code] of [
      ['TERM', '143'],
      ['HUP', '129'],
    ]) {
      screen.enter(`clear; under sh -c 'stty raw -echo; echo ready for ${name}; exec sleep 1000'`);
      await screen.see(new RegExp(`^ready for ${name}`, 'm'));
      const [pid] = execFileSync('pgrep', ['-f', `^${process.execPath} ${PROGRAM} ${values}`], {
        encoding: 'utf8',
      }).split('\n');
      process.kill(Number(pid), `SIG${name}` as NodeJS.Signals);
      assert.equal(await screen.prompt(), code);
    }
  });

  test(
    'in a pipe each end is treated for what it is: less has the keyboard, colours of errors stay',
    { skip: !has('less') },
    async () => {
      using screen = new Screen();
      screen.enter(
        `clear; under sh -c 'seq 1000; echo $API_TOKEN; test -t 1 || test -t 2 && echo "errors to a terminal" >&2' | less`,
      );
      await screen.see(/^23$/m);
      screen.key('G');
      await screen.see(/^\[REDACTED:API_TOKEN\]$/m);
      screen.key('q');
      assert.equal(await screen.prompt(), '0');
      screen.enter(`clear; echo from a pipe | under sh -c 'cat; stty size <&1; echo $API_TOKEN'`);
      await screen.see(/^from a pipe\n24 80\n\[REDACTED:API_TOKEN\]$/m);
      assert.equal(await screen.prompt(), '0');
    },
  );

  test('in the background it prints and reads nothing, and in the foreground it has the keyboard', async () => {
    using screen = new Screen();
    screen.enter(`clear; under sh -c 'echo ready; read x; echo "got $x"' &`);
    await screen.see(/ready$/m);
    screen.enter('echo still the shell');
    await screen.see(/^still the shell$/m);
    screen.enter('fg');
    await screen.see(/^under sh -c/m);
    // We look whether we are in the foreground now and then; until then the terminal keeps what is typed.
    screen.enter('hello');
    await screen.see(/^got hello$/m);
    assert.equal(await screen.prompt(), '0');
  });

  test('without masking the program has the terminal itself', async () => {
    writeFileSync(join(folder, 'bare'), readFileSync(join(folder, 'under'), 'utf8').replace('--', '--no-masking --'), {
      mode: 0o755,
    });
    using screen = new Screen();
    screen.enter('clear; tty; bare tty; bare sh -c "ps -o comm= -p \\$PPID; echo \\$API_TOKEN"');
    const seen = await screen.see(new RegExp(secret));
    const [own, theirs, parent] = seen.split('\n').slice(0, 3);
    assert.equal(theirs, own);
    assert.equal(parent, 'bash');
    assert.equal(await screen.prompt(), '0');
  });
});
