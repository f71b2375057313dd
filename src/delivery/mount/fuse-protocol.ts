// The language of /dev/fuse: what the kernel writes, and the answers, byte by byte. Numbers and layouts are those of
// include/uapi/linux/fuse.h (7.31, which is Linux 5.4, and later), in the byte order of the machines we run on.

export const OPCODE = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  symlink: 6,
  mknod: 8,
  mkdir: 9,
  unlink: 10,
  rmdir: 11,
  rename: 12,
  link: 13,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  create: 35,
  interrupt: 36,
  destroy: 38,
  batchForget: 42,
  fallocate: 43,
  rename2: 45,
  tmpfile: 51,
} as const;

/** Numbers of <errno.h> on Linux. */
export const ERRNO = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EACCES: 13,
  ENOTDIR: 20,
  ENFILE: 23,
  EROFS: 30,
  ENOSYS: 38,
  EPROTO: 71,
} as const;

export const ROOT_NODE = 1;
export const OUT_HEADER_BYTES = 16;
const IN_HEADER_BYTES = 40;
const ATTR_BYTES = 88;
/** FUSE_NAME_MAX of fs/fuse/fuse_i.h. */
const NAME_BYTES_MAX = 1024;

const MAJOR = 7;
const MINOR = 31;
/** FUSE_PARALLEL_DIROPS: two openers in one folder do not wait for each other's lookup. */
const INIT_FLAGS = 1 << 18;
/** The kernel takes no less (fs/fuse/inode.c); nobody writes. */
const WRITE_BYTES_MAX = 4096;
/** Releases that may be under way at once. */
const BACKGROUND_MAX = 64;
/** FOPEN_DIRECT_IO: every read comes to us, and no page of a value stays in the cache of the kernel. */
const OPEN_FLAGS = 1;
const GETATTR_FH = 1;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** One request. `node` and `pid` are as the kernel says; `pid` is a thread (fuse(4)). */
export interface FuseRequest {
  readonly opcode: number;
  readonly unique: bigint;
  readonly node: number;
  readonly pid: number;
  readonly body: Buffer;
}

/** What is told of a file or folder. */
export interface Attributes {
  readonly isFolder: boolean;
  /** st_ino: the same for one mount whatever its node is. */
  readonly inode: number;
  readonly size: number;
  readonly seconds: number;
  readonly uid: number;
  readonly gid: number;
}

/** Null for bytes that are no request. */
export function parseRequest(bytes: Buffer): FuseRequest | null {
  if (bytes.length < IN_HEADER_BYTES || bytes.readUInt32LE(0) !== bytes.length) return null;
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    node: Number(bytes.readBigUInt64LE(16)),
    pid: bytes.readInt32LE(32),
    body: bytes.subarray(IN_HEADER_BYTES),
  };
}

// The readers of bodies throw a RangeError when the body is too short.

/** A name ends with NUL. Null when it is none. */
export function parseName(body: Buffer): Buffer | null {
  const end = body.indexOf(0);
  return end <= 0 || end > NAME_BYTES_MAX ? null : body.subarray(0, end);
}

/** fuse_forget_in, or fuse_batch_forget_in with its fuse_forget_one: nodes and how many lookups of each are over. */
export function parseForgets({ opcode, node, body }: FuseRequest): (readonly [node: number, lookups: number])[] {
  if (opcode === OPCODE.forget) return [[node, Number(body.readBigUInt64LE(0))]];
  const count = Math.min(body.readUInt32LE(0), Math.floor((body.length - 8) / 16));
  return Array.from({ length: count }, (_, i) => {
    const at = 8 + i * 16;
    return [Number(body.readBigUInt64LE(at)), Number(body.readBigUInt64LE(at + 8))];
  });
}

/** fuse_getattr_in: the handle, when it is asked by one. */
export function parseGetattr(body: Buffer): number | null {
  return (body.readUInt32LE(0) & GETATTR_FH) === 0 ? null : Number(body.readBigUInt64LE(8));
}

/** fuse_read_in; a folder is read with the same. */
export function parseRead(body: Buffer): { readonly handle: number; readonly offset: number; readonly size: number } {
  return {
    handle: Number(body.readBigUInt64LE(0)),
    offset: Number(body.readBigUInt64LE(8)),
    size: body.readUInt32LE(16),
  };
}

/** fuse_release_in. */
export function parseHandle(body: Buffer): number {
  return Number(body.readBigUInt64LE(0));
}

/** fuse_open_in: the flags of open(2). fuse_access_in: the mask of access(2). */
export function parseFlags(body: Buffer): number {
  return body.readUInt32LE(0);
}

/** fuse_interrupt_in: the request that is not wanted any more. */
export function parseInterrupt(body: Buffer): bigint {
  return body.readBigUInt64LE(0);
}

/** The answer to INIT, or null when the kernel is too old. It adapts to the lower of the two versions. */
export function initAnswer(body: Buffer): Buffer | null {
  const [major, minor] = [body.readUInt32LE(0), body.readUInt32LE(4)];
  if (major < MAJOR || (major === MAJOR && minor < MINOR)) return null;
  const out = Buffer.alloc(64);
  out.writeUInt32LE(MAJOR, 0);
  out.writeUInt32LE(MINOR, 4);
  out.writeUInt32LE(body.readUInt32LE(8), 8);
  out.writeUInt32LE(body.readUInt32LE(12) & INIT_FLAGS, 12);
  out.writeUInt16LE(BACKGROUND_MAX, 16);
  out.writeUInt16LE(BACKGROUND_MAX, 18);
  out.writeUInt32LE(WRITE_BYTES_MAX, 20);
  out.writeUInt32LE(1, 24);
  return out;
}

/** fuse_out_header, for `bytes` that follow. An error has none. */
export function answerHeader(unique: bigint, error: number, bytes: number): Buffer {
  const out = Buffer.alloc(OUT_HEADER_BYTES);
  out.writeUInt32LE(OUT_HEADER_BYTES + bytes, 0);
  out.writeInt32LE(-error, 4);
  out.writeBigUInt64LE(unique, 8);
  return out;
}

/** fuse_entry_out. Both times to live are 0: the kernel asks again every time. */
export function entryAnswer(node: number, attributes: Attributes): Buffer {
  const out = Buffer.alloc(40 + ATTR_BYTES);
  out.writeBigUInt64LE(BigInt(node), 0);
  writeAttributes(out, 40, attributes);
  return out;
}

/** fuse_attr_out. */
export function attributesAnswer(attributes: Attributes): Buffer {
  const out = Buffer.alloc(16 + ATTR_BYTES);
  writeAttributes(out, 16, attributes);
  return out;
}

/** fuse_open_out, for a file; a folder has the handle 0 and no flags. */
export function openAnswer(handle: number): Buffer {
  const out = Buffer.alloc(16);
  out.writeBigUInt64LE(BigInt(handle), 0);
  out.writeUInt32LE(handle === 0 ? 0 : OPEN_FLAGS, 8);
  return out;
}

/** fuse_statfs_out: nothing is free here. */
export function statfsAnswer(): Buffer {
  const out = Buffer.alloc(80);
  out.writeUInt32LE(4096, 40);
  out.writeUInt32LE(255, 44);
  out.writeUInt32LE(4096, 48);
  return out;
}

/** A folder in a folder: files are not listed. */
export interface FolderEntry {
  readonly inode: number;
  readonly name: Buffer;
  /** Where to go on after it; grows. */
  readonly offset: number;
}

/** As many fuse_dirent as fit into `bytesMax`. */
export function folderAnswer(entries: Iterable<FolderEntry>, bytesMax: number): Buffer {
  const parts: Buffer[] = [];
  let bytes = 0;
  for (const { inode, name, offset } of entries) {
    const out = Buffer.alloc(Math.ceil((24 + name.length) / 8) * 8);
    bytes += out.length;
    if (bytes > bytesMax) break;
    out.writeBigUInt64LE(BigInt(inode), 0);
    out.writeBigUInt64LE(BigInt(offset), 8);
    out.writeUInt32LE(name.length, 16);
    // DT_DIR is the upper bits of the mode (readdir(3)).
    out.writeUInt32LE(S_IFDIR >> 12, 20);
    name.copy(out, 24);
    parts.push(out);
  }
  return Buffer.concat(parts);
}

/** fuse_attr. Readable for its owner alone; the times are those of the mounting. */
function writeAttributes(out: Buffer, at: number, { isFolder, inode, size, seconds, uid, gid }: Attributes): void {
  out.writeBigUInt64LE(BigInt(inode), at);
  out.writeBigUInt64LE(BigInt(size), at + 8);
  out.writeBigUInt64LE(BigInt(Math.ceil(size / 512)), at + 16);
  for (const offset of [24, 32, 40]) out.writeBigUInt64LE(BigInt(seconds), at + offset);
  out.writeUInt32LE(isFolder ? S_IFDIR | 0o500 : S_IFREG | 0o400, at + 60);
  out.writeUInt32LE(isFolder ? 2 : 1, at + 64);
  out.writeUInt32LE(uid, at + 68);
  out.writeUInt32LE(gid, at + 72);
  out.writeUInt32LE(4096, at + 80);
}
