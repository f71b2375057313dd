// What an answer of Vault or OpenBao that is not a value means, by its status and shape. Its own words are not read and not
// passed on: they could hold anything. Source: "HTTP status codes" and "Read secret version" in the API documentation of both.

import { Failure } from '../core/failure.ts';
import { parseSpans, spanAt } from '../core/json-spans.ts';

export interface KvAnswer {
  readonly address: string;
  readonly mount: string;
  /** Below the mount. */
  readonly path: string;
  readonly status: number;
  readonly body: Buffer;
}

/** The Failure for an answer without a secret in it. */
export function kvRefusal(answer: KvAnswer): Failure {
  const { address, mount, path, status } = answer;
  if (status >= 300 && status < 400) {
    return new Failure('source/failed', `${address} sends us elsewhere, and a token is not taken there`, {
      hint: 'write the address of the active server, or of its load balancer, in config.toml',
    });
  }
  switch (status) {
    case 403:
      return new Failure('source/sign_in', `${address} refused the token`, {
        hint: `sign in again; its policy has to allow read on ${mount}/data/${path}; a wrong namespace looks the same`,
      });
    case 404:
      return absence(answer);
    case 429:
    case 472:
    case 473:
      return new Failure('source/unreachable', `${address} is busy or a standby, and does not answer now`);
    case 503:
      return new Failure('source/unreachable', `${address} is sealed or down for maintenance`, {
        hint: 'have it unsealed, then try again',
      });
    default:
      return new Failure('source/failed', `${address} answered with ${status}, and not with a KV version 2 secret`, {
        hint: `check that ${mount} is a KV secrets engine of version 2`,
      });
  }
}

/** 404 has metadata when a version is gone, no errors for a path without a secret, errors for a path without a mount. */
function absence({ address, mount, path, body }: KvAnswer): Failure {
  switch (absenceIn(body)) {
    case 'destroyed':
      return missing(`the newest version of ${mount}/${path} was destroyed`, 'write a new version of it');
    case 'deleted':
      return missing(`the newest version of ${mount}/${path} was deleted`, 'bring it back: vault kv undelete');
    case 'no_secret':
      return missing(
        `there is no secret ${mount}/${path} at ${address}`,
        'check item and section; a section counts as one more step of the path',
      );
    case 'no_mount':
      return missing(`${address} has no KV version 2 at ${mount}`, 'check mount and namespace in config.toml');
  }
}

function absenceIn(body: Buffer): 'destroyed' | 'deleted' | 'no_secret' | 'no_mount' {
  const root = parseSpans(body);
  if (root === null) return 'no_mount';
  if (spanAt(root, ['data', 'metadata', 'destroyed'])?.kind === 'true') return 'destroyed';
  const deletedAt = spanAt(root, ['data', 'metadata', 'deletion_time']);
  // An empty string, two quotes, stands for "not deleted".
  if (deletedAt?.kind === 'string' && deletedAt.end - deletedAt.start > 2) return 'deleted';
  const errors = spanAt(root, ['errors']);
  return errors?.kind === 'array' && errors.items.length === 0 ? 'no_secret' : 'no_mount';
}

function missing(message: string, hint: string): Failure {
  return new Failure('source/not_found', message, { hint });
}
