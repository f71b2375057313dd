// Programs that run whatever their arguments say. For these, approving the program approves nothing: the agent chose
// the code. The list is not complete and cannot be; it adds a line to the prompt and takes nothing away from it.

import { basename } from 'node:path/posix';

/** How one kind of interpreter is handed its code. */
interface Interpreter {
  /** The program's name without a version: `python3.12` is `python`. */
  readonly names: readonly string[];
  /** An argument that is code, announces code, or names code by something else than a file. */
  readonly code: RegExp;
  /** Whether it reads code from standard input when no file is named. */
  readonly readsStdin: boolean;
}

const INTERPRETERS: readonly Interpreter[] = [
  {
    names: ['sh', 'bash', 'rbash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'yash', 'csh', 'tcsh', 'fish', 'elvish', 'nu'],
    code: /^[-+][A-Za-z]*[cCs]|^--(?:command|commands|init-command|init-file|rcfile)\b/,
    readsStdin: true,
  },
  {
    names: ['node', 'nodejs', 'electron', 'tsx', 'ts-node'],
    code: /^-[a-z]*[epi]|^--(?:eval|print|interactive|import|loader|experimental-loader)\b|^(?:data|https?):/,
    readsStdin: true,
  },
  { names: ['deno'], code: /^(?:eval|repl|task|x|-)$|^(?:data|https?|npm|jsr):/, readsStdin: true },
  { names: ['bun'], code: /^-[a-z]*[ep]|^--(?:eval|print)\b|^(?:exec|x|run|repl|create)$/, readsStdin: true },
  { names: ['python', 'pypy', 'ipython', 'micropython'], code: /^-[A-Za-z]*[cmi]/, readsStdin: true },
  { names: ['perl', 'raku'], code: /^-[A-Za-z0-9]*[eEMm]/, readsStdin: true },
  { names: ['ruby', 'irb', 'jruby'], code: /^-[A-Za-z0-9]*[er]/, readsStdin: true },
  { names: ['php'], code: /^-[a-zA-Z]*[rBREda]|^--(?:run|process-)/, readsStdin: true },
  { names: ['lua', 'luajit'], code: /^-[a-z]*[eli]/, readsStdin: true },
  {
    names: ['R', 'Rscript', 'julia', 'ghc', 'groovy', 'scala', 'clojure'],
    code: /^-[a-zA-Z]*[eE]|^--eval\b/,
    readsStdin: true,
  },
  { names: ['pwsh', 'powershell'], code: /^-(?:c|e|enc)/i, readsStdin: true },
  { names: ['osascript', 'tclsh', 'wish', 'expect'], code: /^-[a-z]*[ec]/, readsStdin: true },
  { names: ['find'], code: /^-(?:exec|execdir|ok|okdir)$/, readsStdin: false },
  { names: ['vi', 'vim', 'nvim', 'ex', 'emacs', 'ed'], code: /^[-+]/, readsStdin: true },
];

/** Text processors whose program is an argument, unless `-f` names a file. */
const PROGRAM_FIRST = new Set(['awk', 'gawk', 'mawk', 'nawk', 'sed', 'gsed', 'jq', 'dc', 'bc', 'm4']);

/** Programs that start another one which their arguments, or a file of the project, name. */
const LAUNCHERS = new Set(
  `env xargs parallel sudo doas su runuser setpriv nice ionice nohup timeout time stdbuf setsid unshare nsenter chroot bwrap
  script watch entr ssh strace ltrace gdb lldb valgrind perf busybox toybox flock taskset chrt systemd-run start-stop-daemon
  make gmake cmake ninja just task rake gradle mvn ant bazel npm npx pnpm pnpx yarn bunx corepack uv uvx pipx poetry pip cargo go
  dotnet java mise asdf direnv nix nix-shell tmux screen dbus-run-session xvfb-run`.split(/\s+/),
);

/** The dynamic loader, run as a program, runs any program. */
const LOADER = /^ld(?:-linux.*|-musl.*|64|-[\d.]+)?\.so/;

/**
 * Whether the arguments hold code, or name code by something that is not a file whose bytes are shown: `sh -c …`,
 * `env …`, `make`, or an interpreter that reads its standard input. `argv` begins with the program as it was called.
 */
export function isCodeOnCommandLine(programPath: string, argv: readonly string[]): boolean {
  const options = argv.slice(1);
  return [programPath, argv[0] ?? ''].some((path) => {
    const file = basename(path);
    const name = file.replace(/\.exe$/, '').replace(/[-.]?\d[\d.]*$/, '');
    if (LAUNCHERS.has(file) || LAUNCHERS.has(name) || LOADER.test(file)) return true;
    if (PROGRAM_FIRST.has(name)) return isProgramFirst(options);
    const interpreter = INTERPRETERS.find(({ names }) => names.includes(name));
    if (interpreter === undefined) return false;
    if (options.some((option) => interpreter.code.test(option))) return true;
    return interpreter.readsStdin && !options.some((option) => !/^[-+]/.test(option));
  });
}

/** Whether the program runs code that its arguments name: then they belong to what it is. */
export function isInterpreter(programPath: string, argv: readonly string[]): boolean {
  return [programPath, argv[0] ?? ''].some((path) => {
    const file = basename(path);
    const name = file.replace(/\.exe$/, '').replace(/[-.]?\d[\d.]*$/, '');
    const isKnown = LAUNCHERS.has(file) || LAUNCHERS.has(name) || PROGRAM_FIRST.has(name) || LOADER.test(file);
    return isKnown || INTERPRETERS.some(({ names }) => names.includes(name));
  });
}

function isProgramFirst(options: readonly string[]): boolean {
  const hasFile = options.some((option) => /^-[a-zA-Z]*f|^--(?:file|from-file)\b/.test(option));
  return !hasFile || options.some((option) => /^-e|^--(?:source|expression)\b/.test(option));
}
