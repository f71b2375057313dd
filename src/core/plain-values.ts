// Whether something offered as "not a secret" looks like one after all. An agent may set plain values only (I4); this
// is the check behind that word. It errs on the side of yes: the price of a wrong yes is that the human types the value.

/** Names whose last word says that the value is a credential. */
const SECRET_NAME =
  /(?:^|_)(?:KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|PASSCODE|PIN|CREDENTIALS?|AUTH|AUTHORIZATION|COOKIE|JWT|BEARER|SIGNATURE|SALT|SEED|MNEMONIC|OTP|DSN|KEYS|SECRETS|PASSWORDS)_?\d*$/i;

/** Names that speak of a secret somewhere; what they hold may still be a switch or a small number. */
const NAME_ABOUT_SECRETS = /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKENS?(?:_|$)|PRIVATE_?KEY|API_?KEY|ACCESS_?KEY/i;
const SWITCH_OR_SMALL_NUMBER = /^(?:true|false|yes|no|on|off|\d{1,4})$/i;

/**
 * Prefixes that services put in front of their tokens, so that scanners can find them. From the public pattern lists of
 * GitHub secret scanning and gitleaks.
 */
const TOKEN_SHAPES: readonly RegExp[] = [
  /\b(?:sk|rk)[-_](?:live|test|proj|ant|or|svcacct|admin)[-_]/,
  /\bsk-[A-Za-z0-9]{16,}/,
  /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{10,}|\bgithub_pat_/,
  /\b(?:glpat|glptt|gldt|glrt|glcbt)-/,
  /\bxox[a-z]-|\bxapp-\d/,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}/,
  /\bAIza[A-Za-z0-9_-]{20,}|\bya29\./,
  /\bSG\.[A-Za-z0-9_-]{16,}/,
  /\b(?:npm|hf|dckr_pat|dop_v1|doo_v1|shpat|shpss|shpca|whsec|lin_api|sntrys|sntryu|figd|glsa|ops|rubygems|tskey|nvapi|r8|pscale_tkn|pul|dapi|fly|oy2|atlasv1|xkeysib|EAAC)[-_][A-Za-z0-9]{8,}/,
  /\bpypi-[A-Za-z0-9]{16,}|\bPMAK-|\bAGE-SECRET-KEY-|\bhv[sbr]\.[A-Za-z0-9]{16,}/,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/,
  /\b(?:Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{8,}/i,
  /-----BEGIN [A-Z0-9 ]+-----/,
];

/** `scheme://user:password@host`, and a token in the place of the user. */
const URL_WITH_USERINFO = /[a-z][a-z0-9+.-]{0,30}:\/\/[^/?#\s@]+@/i;

/** Members of query strings and connection strings that carry a credential. */
const ASSIGNED_SECRET =
  /(?:^|[?&;,\s{"'])(?:password|passwd|pwd|secret|token|api[-_]?key|apikey|access[-_]?token|auth|sig|signature|accountkey|sharedaccesskey|client[-_]?secret|x-amz-(?:signature|security-token))["']?\s*[=:]\s*["']?[^\s"'&;,]{3,}/i;

const UUID = /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi;
/** A digest with its algorithm in front names public content: an image, a lock file entry. */
const LABELLED_DIGEST = /\bsha(?:256|384|512)[:-][A-Za-z0-9+/=]+/g;
const RUN_OF_TOKEN_CHARACTERS = /[A-Za-z0-9+/_=-]{20,}/g;
/** No setting is longer; a text that is may hold anything, and every pattern here would have to be linear. */
const PLAIN_LENGTH_MAX = 4_096;
/** Shorter runs are found in ordinary names too often to mean anything. */
const RUN_LENGTH_MIN = 20;
const HEX_LENGTH_MIN = 32;
/** Of the most bits a text of that length can have; and the bits that are enough for a long one. */
const EVEN_SHARE = 0.92;
const EVEN_BITS = 4.7;

/** Whether `value`, under that name, should not be kept in the open. Pure; knows nothing of what the vault holds. */
export function looksLikeSecret(name: string, value: string): boolean {
  if (SECRET_NAME.test(name) || value.length > PLAIN_LENGTH_MAX) return true;
  if (NAME_ABOUT_SECRETS.test(name) && !SWITCH_OR_SMALL_NUMBER.test(value)) return true;
  if (URL_WITH_USERINFO.test(value) || ASSIGNED_SECRET.test(value)) return true;
  return TOKEN_SHAPES.some((shape) => shape.test(value)) || holdsRandomRun(value);
}

function holdsRandomRun(value: string): boolean {
  const rest = value.replaceAll(UUID, ' ').replaceAll(LABELLED_DIGEST, ' ');
  const runs = rest.match(RUN_OF_TOKEN_CHARACTERS) ?? [];
  // A path is judged whole and segment by segment: base64 may hold a slash too.
  return runs.some((run) => [run, ...run.split('/')].some(isRandom));
}

/**
 * Random text has few stretches that could be words, or digits all over it, or hardly a character twice. Measured on
 * 32 random bytes in base64: three in a thousand pass; names, paths and sentences have words for more than half.
 */
function isRandom(run: string): boolean {
  const letters = run.replaceAll(/[^A-Za-z0-9]/g, '');
  if (letters.length < RUN_LENGTH_MIN || !/\d/.test(letters) || !/[A-Za-z]/.test(letters)) return false;
  if (/^[0-9a-f]+$/i.test(letters) && letters.length >= HEX_LENGTH_MIN) return true;
  const words = letters.match(/[A-Z]?[a-z]{4,}|[A-Z]{5,}/g) ?? [];
  const inWords = words.reduce((sum, word) => sum + word.length, 0);
  const digits = letters.match(/\d+/g) ?? [];
  const longest = Math.max(...digits.map((run) => run.length));
  return inWords + longest < letters.length / 2 || digits.length >= 5 || isEven(letters);
}

/** Whether upper, lower and digits are mixed and spread more evenly than any language spreads them (Shannon, bits). */
function isEven(letters: string): boolean {
  if (!/[a-z]/.test(letters) || !/[A-Z]/.test(letters)) return false;
  const counts = Object.values(Object.groupBy(letters, (letter) => letter)).map((same) => same?.length ?? 0);
  const bits = counts.reduce((sum, count) => sum - (count / letters.length) * Math.log2(count / letters.length), 0);
  return bits >= Math.min(EVEN_SHARE * Math.log2(letters.length), EVEN_BITS);
}
