// HashiCorp Vault and OpenBao, secrets engine KV version 2. The one file of ours that speaks to a network, and only to the
// address that config.toml names: GET /v1/MOUNT/data/PATH, as the API documentation of both has it.

import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Failure } from '../core/failure.ts';
import { parseSpans, spanAt, stringBytes, type Span } from '../core/json-spans.ts';
import type { SecretReference } from '../core/reference.ts';
import type { Secret } from '../core/secret.ts';
import { readPrivate } from '../machine/private-files.ts';
import type { KvSettings } from '../machine/source-settings.ts';
import { askProgram, childEnvironment } from './child.ts';
import { kvRefusal } from './kv-refusal.ts';
import type { OpenItem, Shelf, SourcePowers } from './source.ts';
import { trustedBytes, trustedFile } from './trusted.ts';
import { nameOf, pathOf, valueOf } from './value.ts';

/** Integrated storage keeps at most 1 MiB per entry; what JSON escapes of it makes it longer, never by much in practice. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const TOKEN_BYTES_MAX = 8 * 1024;

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export class KvShelf implements Shelf {
  readonly kind = 'vault-kv2';
  readonly forms = 'left';
  readonly #settings: KvSettings;
  readonly #powers: SourcePowers;

  constructor(settings: KvSettings, powers: SourcePowers) {
    this.#settings = settings;
    this.#powers = powers;
  }

  get where(): string {
    return this.#settings.address;
  }

  itemOf(reference: SecretReference): string {
    return pathOf(this.#settings.prefix, reference);
  }

  async open(reference: SecretReference, signal: AbortSignal): Promise<OpenItem> {
    const path = this.itemOf(reference);
    const { address, mount } = this.#settings;
    const token = await this.#token(signal);
    const { status, body } = await this.#get(path, token, signal);
    try {
      const root = parseSpans(body);
      const data = status === 200 && root !== null ? spanAt(root, ['data', 'data']) : null;
      if (data?.kind !== 'object') throw kvRefusal({ address, mount, path, status, body });
      return { field: (one) => fieldOf(body, data, one), [Symbol.dispose]: () => void body.fill(0) };
    } catch (error) {
      body.fill(0);
      throw error;
    }
  }

  /** A header has to be a string in Node, so the token is one for the time of a request. */
  async #token(signal: AbortSignal): Promise<string> {
    const { token } = this.#settings;
    const from = token.from === 'file' ? token.path : (token.command[0] ?? '');
    const bytes =
      token.from === 'file' ? readPrivate(token.path, TOKEN_BYTES_MAX) : await this.#askToken(token.command, signal);
    if (bytes === null) {
      throw new Failure('source/sign_in', `there is no token file ${from}`, {
        hint: 'sign in: vault login, or bao login',
      });
    }
    const text = bytes.toString('latin1').trim();
    bytes.fill(0);
    if (text.length <= TOKEN_BYTES_MAX && /^[\x21-\x7e]+$/.test(text)) return text;
    throw new Failure('source/sign_in', `${from} gave no token`, { hint: 'sign in again, then try again' });
  }

  async #askToken([program = '', ...args]: readonly string[], signal: AbortSignal): Promise<Buffer> {
    const env = childEnvironment(this.#powers, this.#settings.environment);
    using said = await askProgram(trustedFile(program), args, env, signal);
    if (said.exitCode === 0) return Buffer.from(said.stdout);
    throw new Failure('source/sign_in', `${program} gave no token: it failed`, {
      hint: 'run token_command at a terminal, and see what it says',
    });
  }

  async #get(path: string, token: string, signal: AbortSignal): Promise<Answer> {
    const { address, mount, namespace, caFile } = this.#settings;
    const url = new URL(address);
    const segments = [...mount.split('/'), 'data', ...path.split('/')].map((segment) => encodeURIComponent(segment));
    const options = {
      signal,
      // Not in the pool of the process: no socket stays, and no proxy of an environment is asked.
      agent: false,
      path: `${url.pathname === '/' ? '' : url.pathname}/v1/${segments.join('/')}`,
      headers: {
        'x-vault-token': token,
        'x-vault-request': 'true',
        'accept-encoding': 'identity',
        ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
      },
    } as const;
    const ca = caFile === null ? {} : { ca: trustedBytes(caFile) };
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...ca, rejectUnauthorized: true })
        : httpRequest(url, options);
    const response = await this.#answered(request, signal);
    return { status: response.statusCode ?? 0, body: await wholeBody(response, this.where, signal) };
  }

  async #answered(request: ClientRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.on('response', resolve).on('error', (error) => {
      reject(signal.aborted ? signal.reason : unreachable(this.where, error));
    });
    request.end();
    return await promise;
  }
}

/** Only this one member becomes a value; its neighbours stay bytes of the body, which is overwritten. */
function fieldOf(body: Buffer, data: Span, reference: SecretReference): Secret {
  const span = spanAt(data, [reference.field]);
  switch (span?.kind) {
    case undefined:
      throw new Failure('source/not_found', `the secret has no key for ${nameOf(reference)}`, {
        hint: 'vault kv get lists the keys; case counts',
      });
    case 'string': {
      const bytes = stringBytes(body, span);
      if (bytes === null) break;
      try {
        return valueOf(bytes, reference);
      } finally {
        bytes.fill(0);
      }
    }
    case 'number':
    case 'true':
    case 'false':
      return valueOf(body.subarray(span.start, span.end), reference);
    case 'null':
    case 'array':
    case 'object':
  }
  throw new Failure('source/failed', `${nameOf(reference)} is not a text, a number or a switch`, {
    hint: 'store it as a text',
  });
}

async function wholeBody(response: IncomingMessage, where: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('a body without an encoding is bytes');
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        throw new Failure('source/failed', `${where} answered with more than ${BODY_BYTES_MAX} bytes`);
      }
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw error instanceof Failure ? error : unreachable(where, error);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

/** With the system's code for it, such as ECONNREFUSED or CERT_HAS_EXPIRED, and none of its words. */
function unreachable(where: string, error: unknown): Failure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = /^[A-Z][A-Z0-9_]{2,60}$/.test(code) ? ` (${code})` : '';
  return new Failure('source/unreachable', `cannot reach ${where}${known}`, {
    hint: 'check the address and the network; for a certificate authority of your own set ca_file',
  });
}
