// A log in a folder of its own, keys that are the same every time, and ways to spoil the file.

import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuditLog } from '../../src/audit/log.ts';
import type { AuditKeys, AuditOptions } from '../../src/audit/log.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import type { VerifyReport } from '../../src/audit/verify.ts';
import type { AuditEvent } from '../../src/core/event.ts';
import { Secret } from '../../src/core/secret.ts';

export const VAULT_ID = 'vault_0123456789abcdefghjk';

export function keysOf(vaultId = VAULT_ID): AuditKeys {
  const [macSeed, namesKey, signingKey] = [secretOf('mac'), secretOf('names'), secretOf('sign')];
  return { macSeed, namesKey, signingKey, vaultId };
}

/** The keys of an attacker who does not have ours. */
export function otherKeys(): AuditKeys {
  const [macSeed, namesKey, signingKey] = [secretOf('not mac'), secretOf('not names'), secretOf('not sign')];
  return { macSeed, namesKey, signingKey, vaultId: VAULT_ID };
}

function secretOf(name: string): Secret {
  return new Secret(createHash('sha256').update(name).digest());
}

export class Place implements Disposable {
  readonly folder: string;

  constructor() {
    this.folder = join(mkdtempSync(join(tmpdir(), 'keystile-audit-')), 'audit');
  }

  get events(): string {
    return join(this.folder, 'events.jsonl');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  open(options: Partial<AuditOptions> = {}): AuditLog {
    return AuditLog.open({ files: { folder: this.folder }, now: () => Date.now(), random: randomBytes, ...options });
  }

  openUnlocked(options: Partial<AuditOptions> = {}): AuditLog {
    const log = this.open(options);
    log.unlock(keysOf());
    return log;
  }

  /** A closed log of `count` events. */
  async write(count: number, options: Partial<AuditOptions> = {}): Promise<void> {
    const log = this.openUnlocked(options);
    const groups = Array.from({ length: Math.ceil(count / 100) }, (_, i) => i * 100);
    for (const from of groups) {
      const size = Math.min(100, count - from);
      await log.append(...Array.from({ length: size }, (_, i) => numbered(from + i)));
    }
    await log.close();
  }

  lines(): string[] {
    return readFileSync(this.events, 'utf8').trimEnd().split('\n');
  }

  writeLines(lines: readonly string[]): void {
    writeFileSync(this.events, lines.map((line) => `${line}\n`).join(''));
  }

  verify(withSeed = true): Promise<VerifyReport> {
    const { macSeed } = keysOf();
    return verifyLog({ folder: this.folder, ...(withSeed ? { macSeed, vaultId: VAULT_ID } : {}) });
  }

  [Symbol.dispose](): void {
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }
}

export function numbered(count: number): AuditEvent {
  return { event: 'requested', facts: { requestId: 'req_0123456789abcdefghjk', count } };
}
