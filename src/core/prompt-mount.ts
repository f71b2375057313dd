// What a human is told of a file that is to be mounted, imported or read.

import { isCodeKnown, type ImportFacts, type MountFacts, type ReadFacts, type ReaderFacts } from './mount-facts.ts';
import {
  bare,
  changeableText,
  environmentRows,
  fileRows,
  folderRows,
  processRows,
  spoken,
  type Row,
} from './prompt-rows.ts';

export function readRows(read: ReadFacts): Row[] {
  return [
    ['action', 'read a mounted file, with every value in it'],
    ...spoken('file', read.path, bare),
    ['  mount', `${bare(read.mountId)}, as ${read.backend}`],
    ...environmentRows(read),
    ...readerRows(read.reader),
  ];
}

function readerRows(reader: ReaderFacts): Row[] {
  const loaders = Object.entries(reader.loaders).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...processRows('reader', reader.process),
    ['  sha256', bare(reader.programDigest)],
    ['  program', changeableText(reader.isProgramChangeable)],
    ['  started by', reader.isUnderAgent ? 'a coding agent, or a program below one' : 'no coding agent that we know'],
    ...codeRows(reader),
    ...reader.operands.flatMap((operand, i) => fileRows(`file ${i + 1}`, operand)),
    ...folderRows(reader.cwd),
    ...(reader.seesOurFiles ? [] : OWN_VIEW),
    ...loaders.flatMap(([name, value]): Row[] => [
      ['!!', 'a variable changes which code it loads:'],
      ...spoken('  name', name, bare),
      ...spoken('  is', value),
    ]),
  ];
}

const OWN_VIEW: readonly Row[] = [
  ['!!', 'it has mounts or a root of its own, as in a sandbox or'],
  ['', 'container: libraries and files it loads may be others'],
];

/** What no digest vouches for. */
function codeRows(reader: ReaderFacts): Row[] {
  const { isInterpreter, isCodeOnCommandLine } = reader;
  const runs = isInterpreter ? 'what its arguments name; further files it loads are not shown' : 'its own code';
  const warning: Row[] = [
    ['!!', 'its arguments or its input are the code it runs:'],
    ['', 'treat the values as disclosed to whoever started it'],
  ];
  const unknown: Row[] = [
    ['!!', 'no argument is the file it runs: that may change,'],
    ['', 'so a yes counts for this process alone'],
  ];
  return [['  runs', runs], ...(isCodeOnCommandLine ? warning : []), ...(isCodeKnown(reader) ? [] : unknown)];
}

export function mountRows(mount: MountFacts): Row[] {
  const isMount = mount.verb === 'mount';
  return [
    ['action', isMount ? 'mount a file: each program that opens it is asked about' : 'take a mounted file away'],
    ...spoken('file', mount.path, bare),
    ['  as', mount.backend],
    ...environmentRows(mount),
  ];
}

export function importRows(facts: ImportFacts): Row[] {
  const isNew = facts.environmentId === null;
  return [
    ['action', 'import a file: its values go into the vault, its names to the agent'],
    ...fileRows('file', facts.file),
    ['  mode', facts.mode.toString(8)],
    ...spoken('environment', facts.environmentName),
    ['  id', facts.environmentId === null ? 'none yet: it is made' : bare(facts.environmentId)],
    ...(isNew ? [] : [['!!', 'the environment is there already: variables are added to it'] satisfies Row]),
    ...(facts.names.length === 0 ? [['variables', 'none'] satisfies Row] : []),
    ...facts.names.flatMap((name) => spoken('variable', name, bare)),
    ...(facts.mounts
      ? ([
          ['!!', 'the file is then removed, and mounted in its place'],
          ['', `as ${facts.backend}; a sealed copy of it stays in the vault`],
        ] satisfies Row[])
      : [['then', `the file stays as it is (${facts.backend} unused)`] satisfies Row]),
  ];
}
