// Loads a CommonJS file together with what V8 made of it when the program was built. Bundled into the program.

// `import` of a builtin makes a module of all that it exports, and node:fs exports much that is loaded on first use:
// that took 7 ms.
const { readFileSync } = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const { Script } = process.getBuiltinModule('node:vm');

/**
 * What the file exports. `keep` gets the script and the name for its compiled code, which is then of all that ran until
 * the file was loaded. Compiled code is for one version of Node on one kind of machine; V8 checks the rest (its flags, the
 * length of the source), and without any of it the file is simply compiled.
 */
export function loadCompiled(name, folder = import.meta.dirname, keep = null) {
  const path = `${folder}/${name}`;
  const compiledName = `${name}.${process.platform}-${process.arch}-${process.version}`;
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'utf8')}\n})`;
  const cachedData = keep === null ? readOrNothing(`${folder}/${compiledName}`) : undefined;
  // By its name alone: where the program was built is nobody's business, and stands in the compiled code.
  const script = new Script(source, { filename: name, ...(cachedData && { cachedData }) });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(path), module, path, folder);
  keep?.(script, compiledName);
  return module.exports;
}

function readOrNothing(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
