// What a human decides about when a file is mounted, imported or read: who reads, as the system shows it (I7), and what
// would be handed over. The rest of a request is in request.ts.

import type { MountBackend } from './mount.ts';
import type { DirectoryFacts, FileFacts, ProcessFacts, VariableFacts } from './request.ts';

/** A program that opened a mounted file. */
export interface ReaderFacts {
  readonly process: ProcessFacts;
  /** SHA-256 of what runs, not of what lies at its path now. */
  readonly programDigest: string;
  /** Whether this user, and so an agent, could have put other bytes there. */
  readonly isProgramChangeable: boolean;
  /** Arguments that are files: of an interpreter, its script. */
  readonly operands: readonly FileFacts[];
  /** Whether its arguments decide what it runs: an interpreter, a shell, a launcher. Then they are part of who it is. */
  readonly isInterpreter: boolean;
  /** Whether code stands on its command line or comes from its input, where no digest can vouch for it. */
  readonly isCodeOnCommandLine: boolean;
  readonly cwd: DirectoryFacts;
  /** Variables of its environment that change which code it loads, as they were when it was started. */
  readonly loaders: Readonly<Record<string, string>>;
  /** False for one with mounts or a root of its own: what it loads beside its program and script may be anything. */
  readonly seesOurFiles: boolean;
  /** Whether a coding agent is above it, or is it. `Request.agent` is that agent then, and the reader itself if not. */
  readonly isUnderAgent: boolean;
}

/**
 * Whether digests, or its arguments themselves, say what code it runs. `node .` and `node server` only say where to look
 * for it (attack F06).
 */
export function isCodeKnown({ isInterpreter, isCodeOnCommandLine, operands }: ReaderFacts): boolean {
  return !isInterpreter || isCodeOnCommandLine || operands.length > 0;
}

/** Which variables of which environment. */
interface EnvironmentFacts {
  readonly environmentId: string;
  readonly environmentName: string;
  /** The agent that made it, or null for the human. */
  readonly environmentCreatedBy: string | null;
  readonly variables: readonly VariableFacts[];
}

/** One program reads one mounted file. */
export interface ReadFacts extends EnvironmentFacts {
  readonly action: 'ReadMount';
  readonly mountId: string;
  readonly path: string;
  readonly backend: MountBackend;
  readonly reader: ReaderFacts;
}

/** A file is mounted, or a mount taken away. Gives nobody a value: each reader is asked about. */
export interface MountFacts extends EnvironmentFacts {
  readonly action: 'Mount';
  readonly verb: 'mount' | 'unmount';
  readonly path: string;
  readonly backend: MountBackend;
}

/** A dotenv file becomes variables of an environment. The bytes are those that were digested, or nothing is imported. */
export interface ImportFacts {
  readonly action: 'ImportFile';
  readonly file: FileFacts;
  /** Permission bits of the file. */
  readonly mode: number;
  /** Null when the environment is to be made. */
  readonly environmentId: string | null;
  readonly environmentName: string;
  readonly names: readonly string[];
  /** Whether the file is then replaced by a mount. A sealed backup is kept in any case where it is. */
  readonly mounts: boolean;
  readonly backend: MountBackend;
}
