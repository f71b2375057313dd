// Where cases are run: a throwaway house with the five secrets in an environment, and beside it the same five in the files
// of varlock and dotenvx. Every tool starts the same program; its output comes back in the pieces of the cases.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { House, PASSPHRASE, ROOT } from '../../test/house.ts';
import { installPeers } from '../bench/peers.ts';
import { agentWith, letRunAnything, type Calls } from '../../test/attackers.ts';
import type { Printed } from './reading.ts';
import { SHAPES } from './shapes.ts';
import type { Way } from './way.ts';
import { createHash } from 'node:crypto';

/** `nothing` starts the program without any tool: what it prints has to be readable, or the case says nothing. */
export const TOOLS = ['run', 'agent', 'varlock', 'dotenvx', 'nothing'] as const;
export type Tool = (typeof TOOLS)[number];

const ENVIRONMENT = 'cases';
/** Ways printed by one run, so that no stream reaches the MiB of which an agent is given all. */
const WAYS_PER_RUN = 24;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const TIMEOUT_SECONDS = 200;

/** A way, a shape and whether it was cut, as the lines between the cases have it. */
export type CaseKey = string;

export class Stage implements AsyncDisposable {
  readonly #house: House;
  readonly #agent: Calls;

  private constructor(house: House, agent: Calls) {
    this.#house = house;
    this.#agent = agent;
  }

  static async open(): Promise<Stage> {
    const house = await House.open();
    try {
      const values = SHAPES.map(({ variable, value }) => [variable, value.toString('utf8')] as const);
      const agent = await agentWith(house, await house.environment(ENVIRONMENT, Object.fromEntries(values)));
      await letRunAnything(house, agent);
      cpSync(join(import.meta.dirname, 'printer.py'), join(house.project, 'printer.py'));
      layOutPeers(house);
      return new Stage(house, agent);
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What came out of each case below this tool, by `keyOf`. Throws when a tool changed a value, or lost a case. */
  async print(tool: Tool, ways: readonly Way[]): Promise<ReadonlyMap<CaseKey, Printed>> {
    const all = new Map<CaseKey, Printed>();
    for (let at = 0; at < ways.length; at += WAYS_PER_RUN) {
      for (const [key, streams] of await this.#printSome(tool, ways.slice(at, at + WAYS_PER_RUN)))
        all.set(key, streams);
    }
    return all;
  }

  /**
   * The second look at what an agent gets may cut a line between two cases with what is around it, where many encoded
   * secrets lie next to each other: then fewer are printed at once, and at last the whole output counts for what is lost.
   */
  async #printSome(tool: Tool, ways: readonly Way[]): Promise<ReadonlyMap<CaseKey, Printed>> {
    const printed = await this.#start(tool, ways);
    const { cases, lost } = casesOf(printed, ways, tool);
    if (lost.length === 0) return cases;
    assert.equal(tool, 'agent', `${tool} loses ${lost.join(', ')}`);
    if (ways.length === 1) return new Map([...cases, ...lost.map((key) => [key, printed] as const)]);
    const middle = Math.ceil(ways.length / 2);
    const halves = [ways.slice(0, middle), ways.slice(middle)];
    const both = await Array.fromAsync(halves, async (half) => [...(await this.#printSome(tool, half))]);
    return new Map(both.flat());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#house[Symbol.asyncDispose]();
  }

  async #start(tool: Tool, ways: readonly Way[]): Promise<Printed> {
    const plan = join(this.#house.project, 'plan.json');
    const variables = Object.fromEntries(SHAPES.map(({ name, variable }) => [name, variable]));
    const rows = ways.map(({ language, code, writes }) => ({ language, code, writes }));
    writeFileSync(plan, JSON.stringify({ node: join(ROOT, 'node_modules/node/bin/node'), variables, ways: rows }));
    const argv = [python(), join(this.#house.project, 'printer.py'), plan];
    return tool === 'agent' ? await this.#asAgent(argv) : this.#asPerson(tool, argv);
  }

  async #asAgent(argv: readonly string[]): Promise<Printed> {
    const answer = await this.#agent.run(argv, { timeoutSeconds: TIMEOUT_SECONDS });
    assert.deepEqual([answer['exitCode'], answer['truncated']], [0, false], String(answer['stderr']).slice(-2_000));
    return { stdout: Buffer.from(String(answer['stdout'])), stderr: Buffer.from(String(answer['stderr'])) };
  }

  #asPerson(tool: Exclude<Tool, 'agent'>, argv: readonly string[]): Printed {
    const house = this.#house;
    const [command = '', ...args] = this.#below(tool, argv);
    const given = tool === 'nothing' || tool === 'varlock' ? plainVariables() : {};
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: house.project,
      env: { ...house.env, ...given },
      input: `${PASSPHRASE}\n`,
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: TIMEOUT_SECONDS * 1_000,
    });
    assert.equal(status, 0, `${tool}: ${stderr.toString('utf8').slice(-2_000)}`);
    return { stdout, stderr };
  }

  #below(tool: Exclude<Tool, 'agent'>, argv: readonly string[]): readonly string[] {
    const house = this.#house;
    if (tool === 'nothing') return argv;
    if (tool === 'run')
      return [house.launcher, 'run', '--passphrase-stdin', '--environment', ENVIRONMENT, '--', ...argv];
    const peer = join(installPeers(), '.bin', tool);
    if (tool === 'varlock') return [peer, 'run', '--path', `${peerFolder(house)}/`, '--', ...argv];
    return [peer, 'run', '--quiet', '--redact', '-f', join(peerFolder(house), 'x.env'), '--', ...argv];
  }
}

export function keyOf(way: Way, shape: string, isCut: boolean): CaseKey {
  return `${way.name}\n${shape}\n${isCut ? 'cut' : 'whole'}`;
}

const peerFolder = (house: House): string => join(house.root, 'peers');

function plainVariables(): Record<string, string> {
  return Object.fromEntries(SHAPES.map(({ variable, value }) => [variable, value.toString('utf8')]));
}

/** varlock takes the values from the environment it is started in; dotenvx hides only what it read from a file. */
function layOutPeers(house: House): void {
  mkdirSync(peerFolder(house));
  const schema = SHAPES.map(({ variable }) => `# @sensitive @required\n${variable}=\n`);
  writeFileSync(join(peerFolder(house), '.env.schema'), `# ---\n${schema.join('\n')}`);
  const lines = SHAPES.map(
    ({ variable, value }) => `${variable}=\`${value.toString('utf8').replaceAll('$', '\\$')}\`\n`,
  );
  writeFileSync(join(peerFolder(house), 'x.env'), lines.join(''));
}

/** Cuts both streams at the lines between the cases, and looks whether the program had the very values of the table. */
function casesOf(
  { stdout, stderr }: Printed,
  ways: readonly Way[],
  tool: Tool,
): { readonly cases: ReadonlyMap<CaseKey, Printed>; readonly lost: readonly CaseKey[] } {
  const digests = Object.fromEntries(
    SHAPES.map(({ name, value }) => [name, createHash('sha256').update('of the table').update(value).digest('hex')]),
  );
  const told = JSON.parse(stdout.toString('latin1').split('\n')[0] ?? '') as unknown;
  assert.deepEqual(told, digests, `${tool} hands over other values`);
  const [out, err] = [sections(stdout), sections(stderr)];
  const cases = new Map<CaseKey, Printed>();
  const lost: CaseKey[] = [];
  for (const [at, way] of ways.entries()) {
    for (const { name } of SHAPES) {
      for (const isCut of [false, true]) {
        const mark = `${at} ${name} ${isCut ? 'cut' : 'whole'}`;
        const [key, own, error] = [keyOf(way, name, isCut), out.get(mark), err.get(mark)];
        if (own === undefined || error === undefined) lost.push(key);
        else cases.set(key, { stdout: own, stderr: error });
      }
    }
  }
  return { cases, lost };
}

function sections(stream: Buffer): Map<string, Buffer> {
  const found = stream.toString('latin1').matchAll(/\n@@ (\d+ \w+ \w+) @@\n([^]*?)\n@@ end @@\n/g);
  return new Map([...found].map(([, mark = '', text = '']) => [mark, Buffer.from(text, 'latin1')]));
}

let interpreter: string | undefined;

/** The program itself, and not a shell script that looks for it: it is started hundreds of times. */
function python(): string {
  interpreter ??= spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
  return interpreter;
}
