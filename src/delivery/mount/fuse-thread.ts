// The thread that reads the device. It answers by itself what needs no decision: names, attributes, lists. So a file
// operation of the daemon on a path of an agent's choosing can never wait for the daemon, although it may end up here.
// Opens and reads go to the daemon's own thread, which has the doorkeeper and the values.

import { writevSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FuseRequests, isOwnThread, processOfThread } from '../../machine/fuse-requests.ts';
import type { FromThread, ThreadData, ToThread } from './fuse-messages.ts';
import {
  ERRNO,
  OPCODE,
  answerHeader,
  attributesAnswer,
  entryAnswer,
  folderAnswer,
  initAnswer,
  openAnswer,
  parseFlags,
  parseForgets,
  parseGetattr,
  parseHandle,
  parseInterrupt,
  parseName,
  parseRead,
  parseRequest,
  statfsAnswer,
} from './fuse-protocol.ts';
import type { FuseRequest } from './fuse-protocol.ts';
import { FuseTree } from './fuse-tree.ts';

/** Bytes of an answer, an errno, or null when the answer comes from elsewhere or there is none. */
type Answer = Buffer | number | null;

const { device, wake, uid, gid }: ThreadData = workerData;
const tree = new FuseTree({ uid, gid });
const OK = 0;
const NOTHING = Buffer.alloc(0);
/** Of <fcntl.h> and <unistd.h>. */
const O_ACCMODE = 3;
const WRITE_OR_EXECUTE = 3;
const WRITE = 2;

const CHANGES: ReadonlySet<number> = new Set([
  OPCODE.setattr,
  OPCODE.symlink,
  OPCODE.mknod,
  OPCODE.mkdir,
  OPCODE.unlink,
  OPCODE.rmdir,
  OPCODE.rename,
  OPCODE.link,
  OPCODE.write,
  OPCODE.create,
  OPCODE.fallocate,
  OPCODE.rename2,
  OPCODE.tmpfile,
]);

serve(new FuseRequests(device, wake));

function serve(requests: FuseRequests): void {
  for (let bytes = requests.next(); bytes !== null; bytes = requests.next()) {
    hear();
    const request = parseRequest(bytes);
    if (request === null) continue;
    const answer = attempt(request);
    if (answer !== null) send(request.unique, answer);
  }
}

/** What the daemon said before it gave an answer is known before the next request that can follow from it. */
function hear(): void {
  if (parentPort === null) return;
  for (let got = receiveMessageOnPort(parentPort); got !== undefined; got = receiveMessageOnPort(parentPort)) {
    const message: ToThread = got.message;
    tree.apply(message);
  }
}

function tell(message: FromThread): null {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is about windows of a browser
  parentPort?.postMessage(message);
  return null;
}

function send(unique: bigint, answer: Buffer | number): void {
  const body = typeof answer === 'number' ? [] : [answer];
  const error = typeof answer === 'number' ? answer : OK;
  try {
    writevSync(device, [answerHeader(unique, error, body[0]?.length ?? 0), ...body]);
  } catch {
    // ENOENT: nobody waits for it any more. Everything else shows at the next read.
  }
}

function attempt(request: FuseRequest): Answer {
  try {
    const answer = answerTo(request);
    return answer === undefined ? answerByNode(request) : answer;
  } catch {
    return ERRNO.EIO;
  }
}

/** Undefined when the request is about a node. */
function answerTo(request: FuseRequest): Answer | undefined {
  const { opcode, body } = request;
  if (CHANGES.has(opcode)) return ERRNO.EROFS;
  switch (opcode) {
    case OPCODE.init:
      return begin(body);
    case OPCODE.forget:
    case OPCODE.batchForget:
      for (const [node, lookups] of parseForgets(request)) tree.forget(node, lookups);
      return null;
    case OPCODE.interrupt:
      return tell({ kind: 'interrupt', unique: parseInterrupt(body) });
    case OPCODE.statfs:
      return statfsAnswer();
    case OPCODE.destroy:
    case OPCODE.releasedir:
      return OK;
    default:
      return undefined;
  }
}

function begin(body: Buffer): Answer {
  const answer = initAnswer(body);
  if (answer === null) return ERRNO.EPROTO;
  tell({ kind: 'ready' });
  return answer;
}

function answerByNode(request: FuseRequest): Answer {
  const { opcode, body, pid } = request;
  const node = tree.node(request.node);
  if (node === undefined) return ERRNO.ENOENT;
  switch (opcode) {
    case OPCODE.lookup:
      return node.isFolder ? lookup(node, body, pid) : ERRNO.ENOTDIR;
    case OPCODE.getattr:
      return attributesAnswer(tree.attributes(node, pid, parseGetattr(body)));
    case OPCODE.access:
      return access(node, parseFlags(body), pid);
    case OPCODE.opendir:
      return openAnswer(0);
    case OPCODE.readdir: {
      const { offset, size } = parseRead(body);
      return folderAnswer(tree.list(node, offset), size);
    }
    default:
      return answerOfFile(request, node.place?.mount ?? 0);
  }
}

function answerOfFile(request: FuseRequest, mount: number): Answer {
  const { opcode, body, unique } = request;
  switch (opcode) {
    case OPCODE.open:
      return open(request, mount);
    case OPCODE.read:
      return read(unique, mount, parseRead(body));
    case OPCODE.release: {
      const handle = parseHandle(body);
      tree.apply({ kind: 'closed', mount, handle });
      tell({ kind: 'release', mount, handle });
      return OK;
    }
    default:
      return ERRNO.ENOSYS;
  }
}

/** Programs read until they find the end: that needs no value, and so nobody to wait for. */
function read(unique: bigint, mount: number, wanted: ReturnType<typeof parseRead>): Answer {
  if (tree.isAtEnd(mount, wanted.handle, wanted.offset)) return NOTHING;
  return tell({ kind: 'read', mount, unique, ...wanted });
}

type Node = NonNullable<ReturnType<FuseTree['node']>>;

function lookup(parent: Node, body: Buffer, tid: number): Answer {
  const name = parseName(body);
  const found = name === null ? null : tree.lookup(parent, name);
  if (found === undefined) return ERRNO.ENFILE;
  return found === null ? ERRNO.ENOENT : entryAnswer(found.id, tree.attributes(found, tid, null));
}

/** To the daemon itself a mounted file is one it cannot read: it must not wait for its own doorkeeper. */
function access(node: Node, mask: number, tid: number): Answer {
  if (node.isFolder) return (mask & WRITE) === 0 ? OK : ERRNO.EROFS;
  return (mask & WRITE_OR_EXECUTE) !== 0 || isOwnThread(tid) ? ERRNO.EACCES : OK;
}

function open({ unique, node, pid, body }: FuseRequest, mount: number): Answer {
  if ((parseFlags(body) & O_ACCMODE) !== 0) return ERRNO.EROFS;
  const opener = processOfThread(pid);
  if (opener?.pid === process.pid) return ERRNO.EACCES;
  if (opener !== null) return tell({ kind: 'open', mount, node, unique, opener });
  tell({ kind: 'unidentified', mount });
  return ERRNO.EACCES;
}
