// What may not be a variable: names that change how a program is loaded, what it runs, or whom it trusts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnvironmentDeltaName, parseTitle, parseVariableName } from '../../src/core/names.ts';

const FAMILIES: Readonly<Record<string, string>> = {
  'E01: variables of the loader': 'LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH DYLD_INSERT_LIBRARIES GLIBC_TUNABLES GCONV_PATH',
  'E02: hooks of interpreters':
    'NODE_OPTIONS NODE_PATH BASH_ENV ENV PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5OPT PERL5LIB RUBYOPT JAVA_TOOL_OPTIONS ' +
    'DOTNET_STARTUP_HOOKS PHP_INI_SCAN_DIR LUA_INIT ZDOTDIR R_PROFILE',
  'E03: configuration of git':
    'GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_CONFIG_GLOBAL GIT_SSH_COMMAND GIT_ASKPASS GIT_EXTERNAL_DIFF',
};
const REDIRECTING =
  'HTTPS_PROXY https_proxy ALL_PROXY NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED SSL_CERT_FILE REQUESTS_CA_BUNDLE ' +
  'SSLKEYLOGFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3 OPENAI_BASE_URL';

for (const [what, names] of Object.entries(FAMILIES)) {
  test(`${what} are refused, from an agent and in an environment`, () => {
    for (const name of names.split(' ')) {
      assert.throws(() => parseEnvironmentDeltaName(name), { code: 'input/environment_refused' }, name);
      assert.throws(() => parseVariableName(name), { code: 'name/invalid' }, name);
    }
  });
}

test('E04: an agent adds no variable that sends a credential elsewhere or changes whom a program trusts', () => {
  for (const name of REDIRECTING.split(' ')) {
    assert.throws(() => parseEnvironmentDeltaName(name), { code: 'input/environment_refused' }, name);
  }
});

test('E09: what a process has anyway, and what is ours, is no name for a variable', () => {
  for (const name of ['PATH', 'HOME', 'SHELL', 'TMPDIR', 'USER', 'KEYSTILE_RUN', 'OP_SERVICE_ACCOUNT_TOKEN']) {
    assert.throws(() => parseVariableName(name), { code: 'name/invalid' }, name);
  }
});

test('M07: a variable is called by a plain word, and a title is short and printable', () => {
  for (const name of ['', '1A', 'A-B', 'A B', 'A=B', 'A\0', 'A\n', 'Ä', '</tool_result>', 'A'.repeat(129)]) {
    assert.throws(() => parseVariableName(name), { code: 'name/invalid' }, JSON.stringify(name));
  }
  for (const title of ['', ' a', 'a\n', 'a\u202eb', 'a\u200bb', '\ud800', 'a'.repeat(129)]) {
    assert.throws(() => parseTitle(title), { code: 'name/invalid' }, JSON.stringify(title));
  }
});

test('ordinary names stay as they are', () => {
  for (const name of ['API_TOKEN', 'DATABASE_URL', 'region', '_x1', 'AWS_SECRET_ACCESS_KEY', 'A'.repeat(128)]) {
    assert.equal(parseVariableName(name), name);
    assert.equal(parseEnvironmentDeltaName(name), name);
  }
  for (const title of ['shop', 'Shop (staging)', 'Laden für Übungen', '店']) assert.equal(parseTitle(title), title);
});
