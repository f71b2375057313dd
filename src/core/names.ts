// What may be called what. Names are checked once, at the door, and trusted inside.

import { Failure } from './failure.ts';

export const NAME_LENGTH_MAX = 128;

/** POSIX "name" (IEEE Std 1003.1, 3.216), at most 128 characters. */
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/**
 * Variables that change how a program is loaded, what it trusts, or how it is found. They are refused both in an
 * agent's `env` and as names in an environment: a value here would be code, not a credential.
 */
const REFUSED_NAMES =
  /^(?:LD_.*|DYLD_.*|.*_PRELOAD|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NODE_.*|npm_.*|NPM_CONFIG_.*|BASH_ENV|BASH_FUNC_.*|BASHOPTS|SHELLOPTS|PS4|PROMPT_COMMAND|ENV|ZDOTDIR|IFS|CDPATH|PYTHON.*|PERL5.*|PERLLIB|PERL_.*|RUBYOPT|RUBYLIB|GEM_(?:HOME|PATH)|BUNDLE_.*|JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS|CLASSPATH|MAVEN_OPTS|DOTNET_STARTUP_HOOKS|CORECLR_.*|COMPlus_.*|PHP_INI_SCAN_DIR|PHPRC|LUA_.*|R_PROFILE.*|R_ENVIRON.*|JULIA_.*|GIT_.*|SSH_ASKPASS.*|SUDO_ASKPASS|EDITOR|VISUAL|PAGER|MANPAGER|LESS.*|BROWSER|SHELL|HOME|PATH|USER|LOGNAME|TERM|TERMINFO.*|TERMCAP|TMPDIR|TZ|TZDIR|HOSTALIASES|RES_OPTIONS|RESOLV_.*|NLSPATH|MALLOC_.*|SSLKEYLOGFILE|OPENSSL_.*|KEYSTILE_.*|OP_.*)$/;

/** Variables that send a credential to somebody else's machine, or make a program trust the wrong one. */
const REDIRECTING_NAMES =
  /^(?:(?:https?|all|ftp|no)_proxy|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_(?:CA_BUNDLE|HOME)|WGETRC|GIT_SSL.*|AWS_(?:ENDPOINT_URL.*|CA_BUNDLE|CONFIG_FILE|SHARED_CREDENTIALS_FILE)|KUBECONFIG|DOCKER_(?:HOST|CONFIG|CERT_PATH)|.*_(?:BASE_URL|ENDPOINT_URL|API_BASE|API_HOST))$/i;

/** A variable name that may stand in an environment. Throws `name/invalid`. */
export function parseVariableName(text: string, field = 'name'): string {
  if (!VARIABLE_NAME.test(text)) {
    throw new Failure('name/invalid', `${quote(text)} is not a name for a variable`, {
      field,
      hint: 'use letters, digits and _, not starting with a digit',
    });
  }
  if (REFUSED_NAMES.test(text)) {
    throw new Failure('name/invalid', `${text} changes how programs run and cannot be a credential`, { field });
  }
  return text;
}

/**
 * A name an agent may declare in an environment: not one that would send the credentials beside it elsewhere.
 * Throws `name/invalid`.
 */
export function parseDraftName(text: string, field = 'name'): string {
  parseVariableName(text, field);
  if (REDIRECTING_NAMES.test(text)) {
    throw new Failure('name/invalid', `${text} decides where credentials go; only the human can set it`, { field });
  }
  return text;
}

/** A variable an agent may put into `env`. Throws `input/environment_refused`. */
export function parseEnvironmentDeltaName(text: string, field = 'env'): string {
  if (!VARIABLE_NAME.test(text)) {
    throw new Failure('input/environment_refused', `${quote(text)} is not a name for a variable`, { field });
  }
  if (REFUSED_NAMES.test(text) || REDIRECTING_NAMES.test(text)) {
    throw new Failure('input/environment_refused', `${text} changes how the program runs or whom it trusts`, { field });
  }
  return text;
}

/** The name of an environment or of another thing people name. Throws `name/invalid`. */
export function parseTitle(text: string, field = 'name'): string {
  const isPrintable = !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u.test(text) && text.trim() === text;
  if (text.length === 0 || text.length > NAME_LENGTH_MAX || !isPrintable || !text.isWellFormed()) {
    throw new Failure('name/invalid', 'that is not a name', {
      field,
      hint: `use 1 to ${NAME_LENGTH_MAX} printable characters, with no space at either end`,
    });
  }
  return text;
}

/** The words in front of every id, so that an id says what it names. */
export type IdKind =
  | 'env'
  | 'var'
  | 'req'
  | 'grant'
  | 'lease'
  | 'run'
  | 'agent'
  | 'vault'
  | 'mount'
  | 'coll'
  | 'item'
  | 'section'
  | 'field'
  | 'file';

/** `kind_` and 20 characters of Crockford base32 (100 bits) made from 13 random bytes the caller hands in. */
export function makeId(kind: IdKind, random: Buffer): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let bits = 0n;
  for (const byte of random.subarray(0, 13)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let i = 0; i < 20; i += 1, bits >>= 5n) text += alphabet[Number(bits & 31n)];
  return `${kind}_${text}`;
}

/** Whether `text` could be an id of that kind. */
export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && /^[0-9a-z]{20}$/.test(text.slice(kind.length + 1));
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40)).replace(/[^\x20-\x7e]/g, '?');
}
