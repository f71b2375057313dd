// The files of the projects in which readers are measured: small programs that read `.env` in the usual ways, each of
// which then prints its variables as `env -0` does.

/** Stands for a variable that is not set, in a file that has to name all of them. */
export const NOT_SET = '(not set)';

/** Files by their path in the project. `names`: every variable of the environment. */
export function projectFiles(names: readonly string[]): Readonly<Record<string, string>> {
  const interpolated = names.map((name) => `      ${name}: "\${${name}-${NOT_SET}}"\n`).join('');
  return {
    'print.mjs':
      'for (const [name, value] of Object.entries(process.env)) process.stdout.write(`${name}=${value}\\0`);\n',
    'app.mjs': "import 'dotenv/config';\nimport './print.mjs';\n",
    'load.mjs': "process.loadEnvFile();\nawait import('./print.mjs');\n",
    'app.py': PYTHON,
    'app.sh': 'set -a\n. ./.env\nset +a\nexec env -0\n',
    '.envrc': 'dotenv\n',
    'env-file.yml': `${SERVICE}    env_file: .env\n`,
    'names.yml': `${SERVICE}    environment:\n${interpolated}`,
    'watch.mjs': WATCH,
    'chokidar.mjs': CHOKIDAR,
  };
}

const SERVICE = 'version: "3"\nservices:\n  it:\n    image: x\n';

const PYTHON = `import os, sys
from dotenv import load_dotenv

load_dotenv()
for name, value in os.environb.items():
    sys.stdout.buffer.write(name + b"=" + value + b"\\0")
`;

const END = `
function end() {
  process.stdout.write(\`\${events} events\\n\`);
  process.exit();
}
`;

/**
 * Both watchers say when they are ready, and count until a file called `end` turns up, and a little longer: chokidar holds
 * events back for a tenth of a second, in case a file that went comes back.
 */
const WATCH = `import { watch } from 'node:fs';

let events = 0;
const watcher = watch('.', (_, name) => {
  if (name === 'end') setTimeout(end, 500);
  else events += 1;
});
process.stdout.write('ready\\n');
${END}`;

const CHOKIDAR = `import { watch } from 'chokidar';

let events = 0;
let isReady = false;
const watcher = watch('.', { ignored: /\\.git(\\/|$)/ });
watcher.on('ready', () => {
  isReady = true;
  process.stdout.write('ready\\n');
});
watcher.on('all', (_, path) => {
  if (path === 'end') setTimeout(end, 500);
  else if (isReady) events += 1;
});
${END}`;
