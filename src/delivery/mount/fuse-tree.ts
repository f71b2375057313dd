// The folders and files the kernel sees: `/<id>/<name>` for each mount, and what is told of them. It knows how long a
// file is while somebody holds it open, tells only them, and holds no value.

import { processOfThread } from '../../machine/fuse-requests.ts';
import type { ProcessName } from '../../machine/processes.ts';
import type { ToThread } from './fuse-messages.ts';
import { ROOT_NODE } from './fuse-protocol.ts';
import type { Attributes, FolderEntry } from './fuse-protocol.ts';

/** Nodes the kernel remembers at once (I8): it holds one for each open file, also of those opened by path only. */
const NODES_MAX = 100_000;

/** One mount. */
interface Place {
  readonly mount: number;
  readonly folderName: Buffer;
  readonly fileName: Buffer;
  readonly seconds: number;
  readonly folderNode: number;
  /** The node that a lookup finds. None when there is none yet, or when the last one was opened. */
  file: Node | null;
  readonly handles: Map<number, { readonly size: number; readonly opener: ProcessName }>;
  isGone: boolean;
}

/** What the kernel knows by a number, until it forgets it. */
interface Node {
  readonly id: number;
  readonly place: Place | null;
  readonly isFolder: boolean;
  /** How often it was given to the kernel and not forgotten. */
  lookups: number;
}

export class FuseTree {
  readonly #owner: { readonly uid: number; readonly gid: number };
  readonly #nodes = new Map<number, Node>();
  readonly #places = new Map<number, Place>();
  readonly #byName = new Map<string, Place>();
  readonly #madeAt = nowSeconds();
  #lastNode = ROOT_NODE;

  constructor(owner: { readonly uid: number; readonly gid: number }) {
    this.#owner = owner;
    this.#nodes.set(ROOT_NODE, { id: ROOT_NODE, place: null, isFolder: true, lookups: 1 });
  }

  apply(message: ToThread): void {
    if (message.kind === 'add') {
      this.#add(message.mount, message.folder, message.name);
      return;
    }
    const place = this.#places.get(message.mount);
    if (place === undefined) return;
    switch (message.kind) {
      case 'remove':
        this.#remove(place);
        return;
      case 'opened':
        place.handles.set(message.handle, message);
        // The kernel keeps the length of a file with its node. Whoever looks it up later gets a node of its own.
        if (place.file?.id === message.node) place.file = null;
        return;
      case 'closed':
        place.handles.delete(message.handle);
    }
  }

  /** The node itself; undefined when there is none, which a sane kernel never asks for. */
  node(id: number): Node | undefined {
    return this.#nodes.get(id);
  }

  /** What `name` is in the folder `parent`: null when nothing, undefined when there are too many nodes. */
  lookup(parent: Node, name: Buffer): Node | null | undefined {
    const found = parent.place === null ? this.#byName.get(name.toString('utf8')) : this.#fileIn(parent.place, name);
    if (found === undefined) return null;
    if (this.#nodes.size >= NODES_MAX) return undefined;
    const node = parent.place === null ? this.#folderNode(found) : (found.file ??= this.#make(found, false));
    node.lookups += 1;
    return node;
  }

  forget(id: number, lookups: number): void {
    const node = this.#nodes.get(id);
    if (node === undefined || node.place === null) return;
    node.lookups -= lookups;
    if (node.lookups > 0) return;
    this.#nodes.delete(id);
    if (node.place.file === node) node.place.file = null;
  }

  /** Whether a read from `offset` on finds nothing more in the file open as `handle`. Not said of its beginning. */
  isAtEnd(mount: number, handle: number, offset: number): boolean {
    const size = this.#places.get(mount)?.handles.get(handle)?.size;
    return size !== undefined && offset > 0 && offset >= size;
  }

  /**
   * What is told of `node` to the thread `tid`: the length of a file is 0 but for a process that holds it open, or asks
   * by the `handle` it was given.
   */
  attributes(node: Node, tid: number, handle: number | null): Attributes {
    const { place, isFolder } = node;
    const common = { isFolder, ...this.#owner };
    if (place === null) return { ...common, inode: ROOT_NODE, size: 0, seconds: this.#madeAt };
    const size = isFolder ? 0 : sizeFor(place, tid, handle);
    return { ...common, inode: inodeOf(place, isFolder), size, seconds: place.seconds };
  }

  /**
   * What is in the folder `node`, behind `offset`: nothing but itself. Whoever searches or saves the home file by file
   * would otherwise open every mount, and each open is a question to the human.
   */
  *list(node: Node, offset: number): Generator<FolderEntry> {
    const inode = node.place === null ? ROOT_NODE : inodeOf(node.place, true);
    if (offset < 1) yield { inode, name: Buffer.from('.'), offset: 1 };
    if (offset < 2) yield { inode: ROOT_NODE, name: Buffer.from('..'), offset: 2 };
  }

  #add(mount: number, folder: string, name: string): void {
    const place: Place = {
      mount,
      folderName: Buffer.from(folder),
      fileName: Buffer.from(name),
      seconds: nowSeconds(),
      folderNode: this.#nextNode(),
      file: null,
      handles: new Map(),
      isGone: false,
    };
    this.#places.set(mount, place);
    this.#byName.set(folder, place);
  }

  #remove(place: Place): void {
    place.isGone = true;
    place.handles.clear();
    this.#places.delete(place.mount);
    this.#byName.delete(place.folderName.toString('utf8'));
  }

  #fileIn(place: Place, name: Buffer): Place | undefined {
    return !place.isGone && name.equals(place.fileName) ? place : undefined;
  }

  /** A folder keeps its number: nothing is told of it that only some may know. */
  #folderNode(place: Place): Node {
    return this.#nodes.get(place.folderNode) ?? this.#make(place, true, place.folderNode);
  }

  #make(place: Place, isFolder: boolean, id = this.#nextNode()): Node {
    const node = { id, place, isFolder, lookups: 0 };
    this.#nodes.set(id, node);
    return node;
  }

  #nextNode(): number {
    this.#lastNode += 1;
    return this.#lastNode;
  }
}

function sizeFor(place: Place, tid: number, handle: number | null): number {
  if (handle !== null) return place.handles.get(handle)?.size ?? 0;
  if (place.handles.size === 0) return 0;
  const asker = processOfThread(tid);
  if (asker === null) return 0;
  for (const { size, opener } of place.handles.values()) {
    if (opener.pid === asker.pid && opener.startedAt === asker.startedAt) return size;
  }
  return 0;
}

function inodeOf(place: Place, isFolder: boolean): number {
  return place.mount * 2 + (isFolder ? 0 : 1);
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
