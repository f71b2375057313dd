// A program that was approved for a while, and everything that looks like it (F06).

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeOf } from '../attackers.ts';
import { eventually, has } from '../house.ts';
import { MountHouse, PLACES, type Reading } from '../programs/mount-house.ts';

const READS = `process.stdout.write(require('fs').readFileSync(__dirname + '/.env', 'utf8'));\n`;

for (const place of PLACES) {
  describe(`programs that look like an approved one (${place.backend})`, { skip: place.skip }, () => {
    let mounted: MountHouse;
    let node: string;
    let server: string;

    before(async () => {
      mounted = await MountHouse.open(place);
      node = nodeOf(mounted.house);
      server = mounted.write('server.js', READS);
      const first = await mounted.allow(mounted.start(node, ['server.js']));
      assert.equal(first.stdout.toString(), mounted.content, first.stderr);
    });
    after(async () => await mounted[Symbol.asyncDispose]());

    /** It is asked about, has nothing meanwhile, and goes away. */
    const asksAgain = async (what: string, reading: Reading): Promise<void> => {
      const { process: child } = reading;
      await eventually(async () => {
        assert.ok(child.exitCode === null && child.signalCode === null, `${what} ended without a question`);
        return (await mounted.requests()).length > 0 ? true : undefined;
      }, `${what} to be asked about`);
      // Its child may be the reader.
      for (const { request } of await mounted.requests()) {
        if (request.work.action === 'ReadMount') process.kill(request.work.reader.process.pid, 'SIGKILL');
      }
      const { stdout, stderr } = await reading.done;
      assert.equal(stdout.toString(), '', `${what} ${stderr}`);
      await eventually(async () => ((await mounted.requests()).length === 0 ? true : undefined), 'its question to end');
    };
    const isServed = async (): Promise<void> => {
      assert.equal((await mounted.read(node, ['server.js'])).stdout.toString(), mounted.content);
    };

    test('F06: the approved program reads again without a question, in another process too', async () => {
      await isServed();
      await isServed();
    });

    test('F06: code on the command line, another script, and further code ask again', async () => {
      const other = mounted.write('other.js', READS);
      mounted.write('x.js', '');
      mounted.write('index.js', READS);
      const code = READS.replace('__dirname', `'${mounted.house.project}'`);
      for (const args of [
        ['-e', code],
        ['-r', './x.js', 'server.js'],
        ['--require=./x.js', 'server.js'],
        ['server.js', 'x'],
        [server],
        [other],
        ['.'],
      ])
        await asksAgain(args.join(' '), mounted.start(node, args));
      await asksAgain('code from its input', mounted.start(node, [], { input: code }));
      await isServed();
    });

    test('F06: variables that change which code it loads ask again', async () => {
      mounted.write('x.js', '');
      for (const env of [{ NODE_OPTIONS: '--require ./x.js' }, { NODE_PATH: '/tmp' }, { LD_PRELOAD: 'libc.so.6' }])
        await asksAgain(JSON.stringify(env), mounted.start(node, ['server.js'], { env }));
    });

    test('F06: the same from another folder, program, or agent asks again', async () => {
      const copy = join(mounted.house.root, 'node');
      copyFileSync(node, copy);
      chmodSync(copy, 0o755);
      await asksAgain('a copy of node', mounted.start(copy, ['server.js']));
      await asksAgain('another folder', mounted.start(node, ['project/server.js'], { cwd: mounted.house.root }));
      const codex = join(mounted.house.root, 'codex');
      copyFileSync('/bin/sh', codex);
      chmodSync(codex, 0o755);
      await asksAgain('an agent', mounted.start(codex, ['-c', `${node} server.js; true`]));
    });

    test(
      'F06: the same with mounts or a root of its own asks again: its libraries may be others',
      { skip: has('unshare') ? false : 'unshare is not installed' },
      async () => {
        await asksAgain('a mount namespace', mounted.start('unshare', ['-Um', node, 'server.js']));
      },
    );

    test('F06: an edited script asks again, and the old one does not', async () => {
      mounted.write('server.js', `${READS}console.log();\n`);
      await asksAgain('an edited script', mounted.start(node, ['server.js']));
      mounted.write('server.js', READS);
      await isServed();
    });

    test('F06: what an interpreter finds by itself is approved for one process alone', async () => {
      mounted.write('index.js', READS);
      await mounted.allow(mounted.start(node, ['.']));
      mounted.write('index.js', `${READS}console.log();\n`);
      await asksAgain('an edited index.js', mounted.start(node, ['.']));
    });

    test('F06: a program that rewrites its own arguments is taken for another: residual, SECURITY.md says so', async () => {
      // As long as the name it takes: there is no room for more.
      mounted.write(
        'thief1.js',
        `const fs = require('fs');
        const stat = fs.readFileSync('/proc/self/stat', 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const words = Buffer.from(process.execPath + '\\0server.js\\0');
        fs.writeSync(fs.openSync('/proc/self/mem', 'r+'), words, 0, words.length, Number(fields[45]));
        ${READS}`,
      );
      const read = await mounted.read(node, ['thief1.js']);
      assert.equal(read.stdout.toString(), mounted.content, read.stderr);
    });

    test('F06: a denied program stays denied, whatever its folder, input or further arguments', async () => {
      await mounted.refuse(mounted.start('/usr/bin/tail', ['-n5', mounted.path]));
      for (const cwd of ['/', mounted.house.root, mounted.house.project]) {
        const { stdout } = await mounted.read('/usr/bin/tail', [mounted.path], { cwd });
        assert.equal(stdout.toString(), '');
      }
    });
  });
}
