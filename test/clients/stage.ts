// A house, the real Codex set up in it, a model with its script, and one secret: what every test with Codex starts from.

import assert from 'node:assert/strict';
import { canary, House } from '../house.ts';
import { ClientHome } from './drive.ts';
import { startMockModel, type Turn } from './mock-model.ts';

export class Stage implements AsyncDisposable {
  readonly house: House;
  readonly home: ClientHome;
  readonly model: Awaited<ReturnType<typeof startMockModel>>;
  readonly secret: string;

  private constructor(house: House, home: ClientHome, model: Stage['model'], secret: string) {
    this.house = house;
    this.home = home;
    this.model = model;
    this.secret = secret;
  }

  static async open(
    turns: (environmentId: string, house: House) => Turn[],
    settings?: string,
    secret = canary(),
  ): Promise<Stage> {
    const house = await House.open(settings === undefined ? {} : { settings });
    const environmentId = await house.environment('shop', { API_TOKEN: secret });
    const model = await startMockModel('responses', turns(environmentId, house));
    const home = new ClientHome(house);
    await home.setup('codex', model);
    return new Stage(house, home, model, secret);
  }

  sweep(done: Parameters<ClientHome['sweep']>[2]): void {
    const { files, requests, cmdlines } = this.home.sweep(this.secret, this.model, done);
    assert.ok(
      files > 10 && requests > 0 && cmdlines > 3,
      `swept ${files} files, ${requests} requests, ${cmdlines} command lines`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.house[Symbol.asyncDispose]();
    await this.model[Symbol.asyncDispose]();
    this.home[Symbol.dispose]();
  }
}
