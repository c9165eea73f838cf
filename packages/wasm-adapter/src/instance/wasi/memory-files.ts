import { OptionError } from '@wasm-pool/core';
import { Filetype } from './abi.js';
import { Errno, fail } from './errno.js';
import type { FileStat, FolderEntry, OpenHow, Times, WasiFile, WasiFolder } from './files.js';
import { utf8 } from './guest-memory.js';

/** What files in memory may take by default. */
export const DEFAULT_MAX_FILES_BYTES = 64 * 2 ** 20;

/** What a file, a folder or a link counts for, beside its name and its content. */
const NODE_BYTES = 256;

/** Files by their absolute paths. One that ends in `/` is an empty folder. */
export type FileTree =
  | Readonly<Record<string, string | Uint8Array>>
  | ReadonlyMap<string, string | Uint8Array>;

interface Common {
  readonly ino: bigint;
  nlink: number;
  atim: bigint;
  mtim: bigint;
  ctim: bigint;
}
interface FileNode extends Common {
  readonly type: typeof Filetype.file;
  /** The content, and room behind it. */
  bytes: Uint8Array<ArrayBuffer>;
  size: number;
  /** Somebody else has the bytes too: they are copied before they are written to. */
  shared: boolean;
}
interface FolderNode extends Common {
  readonly type: typeof Filetype.folder;
  entries: Map<string, Node>;
  parent: FolderNode | undefined;
}
interface LinkNode extends Common {
  readonly type: typeof Filetype.link;
  readonly target: string;
}
type Node = FileNode | FolderNode | LinkNode;

/** A file system in memory, of one instance. Its folders and files are opened from `root()`. */
export class MemoryFiles {
  readonly #maxBytes: number;
  readonly #now: () => bigint;
  readonly #root: FolderNode;
  #usedBytes = 0;
  #lastIno = 0n;
  #changed = false;
  #snapshot: { readonly nodes: readonly [Node, Node][]; readonly usedBytes: number } | undefined;

  /**
   * @param maxBytes what all content and names may take; more is ENOSPC
   * @param now the time, in nanoseconds since 1970
   */
  constructor(maxBytes: number, now: () => bigint) {
    this.#maxBytes = maxBytes;
    this.#now = now;
    this.#root = this.#folderNode(undefined);
  }

  root(): WasiFolder {
    return new MemoryFolder(this, this.#root);
  }

  /** Adds a tree. Throws an `OptionError` for a path that is none, and for what has no room. */
  add(tree: FileTree, where: string): void {
    const files = tree instanceof Map ? tree : Object.entries(tree);
    for (const [path, content] of files) {
      const bytes = typeof content === 'string' ? utf8(content) : content;
      try {
        this.#put(path, bytes, where);
      } catch (error) {
        if (error instanceof OptionError) throw error;
        const message = `${where}: files has no room for ${JSON.stringify(path)}; accepted: at most ${this.#maxBytes} bytes, or a higher maxFilesBytes`;
        throw new OptionError(message);
      }
    }
  }

  #put(path: string, bytes: Uint8Array, where: string): void {
    const names = path.replace(/^\//, '').split('/');
    const name = names.pop();
    const odd = names.some(isNoName) || (name !== '' && isNoName(name ?? ''));
    const refuse = (why: string) => {
      const message = `${where}: files has the path ${JSON.stringify(path)}, ${why}; accepted: '/folder/file', or '/folder/' for an empty folder`;
      throw new OptionError(message);
    };
    if (odd) refuse("with a part that is empty, '.' or '..', or has a NUL");
    let folder = this.#root;
    for (const step of names) {
      const next = folder.entries.get(step) ?? this.#insert(folder, step, this.#folderNode(folder));
      if (next.type === Filetype.folder) folder = next;
      else refuse(`though ${JSON.stringify(step)} is a file`);
    }
    if (name === undefined || name === '') {
      if (bytes.length > 0) refuse('which names a folder, and has content');
      return;
    }
    if (folder.entries.has(name)) refuse('which is there already');
    this.charge(bytes.length);
    // Copied when the guest first writes: the one who gave them may have others use them too.
    const content = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
    this.#insert(folder, name, {
      ...this.#common(),
      ...{ type: Filetype.file, size: bytes.length, shared: true },
      bytes: content as Uint8Array<ArrayBuffer>,
    });
  }

  /** All files, by their absolute paths. The content is not copied: it is for whoever is last. */
  toMap(): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    const visit = (folder: FolderNode, path: string) => {
      for (const [name, node] of folder.entries) {
        if (node.type === Filetype.folder) visit(node, `${path}/${name}`);
        else if (node.type === Filetype.file) {
          node.shared = true;
          files.set(`${path}/${name}`, node.bytes.subarray(0, node.size));
        }
      }
    };
    visit(this.#root, '');
    return files;
  }

  /** Remembers all files as they are, for `restore`. Content is copied when it is next written to. */
  snapshot(): void {
    const nodes: [Node, Node][] = [];
    const visit = (node: Node) => {
      nodes.push([node, copyOf(node)]);
      if (node.type === Filetype.folder) for (const child of node.entries.values()) visit(child);
    };
    visit(this.#root);
    this.#snapshot = { nodes, usedBytes: this.#usedBytes };
    this.#changed = false;
  }

  /** Whether all files are as they were when they were remembered. */
  get isUnchanged(): boolean {
    return !this.#changed;
  }

  /** Puts all files back as they were. */
  restore(): void {
    if (!this.#changed || this.#snapshot === undefined) return;
    for (const [node, copy] of this.#snapshot.nodes) Object.assign(node, copyOf(copy));
    this.#usedBytes = this.#snapshot.usedBytes;
    this.#changed = false;
  }

  /** Takes note of bytes that are used, or, where the number is negative, free again. ENOSPC. */
  charge(bytes: number): void {
    if (this.#usedBytes + bytes > this.#maxBytes && bytes > 0) fail(Errno.noSpace);
    this.#usedBytes += bytes;
  }

  touch(node: Node, ...which: ('atim' | 'mtim' | 'ctim')[]): void {
    this.#changed = true;
    const now = this.#now();
    for (const time of which) node[time] = now;
  }

  setTimes(node: Node, { atim, mtim }: Times): void {
    this.touch(node, 'ctim');
    if (atim !== undefined) node.atim = atim;
    if (mtim !== undefined) node.mtim = mtim;
  }

  makeFolder(folder: FolderNode, name: string): void {
    if (folder.entries.has(name)) fail(Errno.exists);
    this.#insert(folder, name, this.#folderNode(folder));
  }

  makeFile(folder: FolderNode, name: string): FileNode {
    const node: FileNode = {
      ...this.#common(),
      ...{ type: Filetype.file, bytes: new Uint8Array(), size: 0, shared: false },
    };
    this.#insert(folder, name, node);
    return node;
  }

  makeLink(folder: FolderNode, name: string, target: string): void {
    if (folder.entries.has(name)) fail(Errno.exists);
    this.charge(target.length);
    this.#insert(folder, name, { ...this.#common(), type: Filetype.link, target });
  }

  /** Gives a node a name. ENOENT in a folder that was removed. */
  #insert<N extends Node>(folder: FolderNode, name: string, node: N): N {
    if (folder.nlink === 0) fail(Errno.notThere);
    if (name.length > 255) fail(Errno.nameTooLong);
    this.charge(NODE_BYTES + name.length);
    folder.entries.set(name, node);
    this.touch(folder, 'mtim', 'ctim');
    return node;
  }

  addName(folder: FolderNode, name: string, node: FileNode | LinkNode): void {
    this.#insert(folder, name, node);
    node.nlink++;
    this.touch(node, 'ctim');
  }

  /** Takes a name away. What has no name left frees its content, though it may be open still. */
  remove(folder: FolderNode, name: string, node: Node): void {
    folder.entries.delete(name);
    this.charge(-(NODE_BYTES + name.length));
    this.touch(folder, 'mtim', 'ctim');
    node.nlink--;
    this.touch(node, 'ctim');
    if (node.nlink > 0) return;
    if (node.type === Filetype.file) this.charge(-node.bytes.length);
    else if (node.type === Filetype.link) this.charge(-node.target.length);
  }

  rename(from: FolderNode, name: string, to: FolderNode, toName: string): void {
    const node = from.entries.get(name) ?? fail(Errno.notThere);
    const there = to.entries.get(toName);
    if (node === there) return;
    if (node.type === Filetype.folder) {
      for (let up: FolderNode | undefined = to; up !== undefined; up = up.parent) {
        if (up === node) fail(Errno.invalid);
      }
    }
    if (there !== undefined) {
      if (there.type === Filetype.folder) {
        if (node.type !== Filetype.folder) fail(Errno.isFolder);
        if (there.entries.size > 0) fail(Errno.notEmpty);
      } else if (node.type === Filetype.folder) fail(Errno.notFolder);
    }
    if (to.nlink === 0) fail(Errno.notThere);
    if (toName.length > 255) fail(Errno.nameTooLong);
    if (there !== undefined) this.remove(to, toName, there);
    from.entries.delete(name);
    to.entries.set(toName, node);
    this.charge(toName.length - name.length);
    if (node.type === Filetype.folder) node.parent = to;
    this.touch(from, 'mtim', 'ctim');
    this.touch(to, 'mtim', 'ctim');
    this.touch(node, 'ctim');
  }

  /** Makes room for so many bytes in a file whose bytes may then be written to. ENOSPC, EFBIG. */
  makeRoom(node: FileNode, sizeBytes: number): void {
    const room = node.bytes.length;
    if (sizeBytes <= room && !node.shared) return;
    let capacity = room;
    if (sizeBytes > room) {
      // Twice as much, so that a file can be written in many small parts; no more where space is short.
      const left = this.#maxBytes - this.#usedBytes;
      if (sizeBytes - room > left && node.nlink > 0) fail(Errno.noSpace);
      capacity = Math.max(sizeBytes, Math.min(2 * room, room + left));
    }
    if (capacity > this.#maxBytes) fail(Errno.noSpace);
    const bytes = allocate(capacity);
    bytes.set(node.bytes.subarray(0, node.size));
    if (node.nlink > 0) this.charge(capacity - room);
    node.bytes = bytes;
    node.shared = false;
  }

  #folderNode(parent: FolderNode | undefined): FolderNode {
    return { ...this.#common(), type: Filetype.folder, entries: new Map(), parent };
  }

  #common(): Common {
    const now = this.#now();
    return { ino: ++this.#lastIno, nlink: 1, atim: now, mtim: now, ctim: now };
  }
}

/** ENOMEM where the platform has no more. */
function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch {
    return fail(Errno.noMemory);
  }
}

/** A node as it is now, whose content nobody writes to any more. */
function copyOf(node: Node): Node {
  if (node.type === Filetype.folder) return { ...node, entries: new Map(node.entries) };
  if (node.type === Filetype.file) node.shared = true;
  return { ...node };
}

function isNoName(step: string): boolean {
  return step === '' || step === '.' || step === '..' || step.includes('\0');
}

function statOf(node: Node): FileStat {
  const size =
    node.type === Filetype.file ? node.size : node.type === Filetype.link ? node.target.length : 0;
  const { ino, type, atim, mtim, ctim } = node;
  return { dev: 1n, ino, type, nlink: BigInt(node.nlink), size: BigInt(size), atim, mtim, ctim };
}

/** A folder in memory. There is nothing to close: any number of these stand for one folder. */
class MemoryFolder implements WasiFolder {
  readonly closed = false;
  readonly #files: MemoryFiles;
  readonly node: FolderNode;

  constructor(files: MemoryFiles, node: FolderNode) {
    this.#files = files;
    this.node = node;
  }

  lstat(name: string): FileStat | undefined {
    const node = this.node.entries.get(name);
    return node && statOf(node);
  }

  #get(name: string): Node {
    return this.node.entries.get(name) ?? fail(Errno.notThere);
  }

  readLink(name: string): string {
    const node = this.#get(name);
    return node.type === Filetype.link ? node.target : fail(Errno.invalid);
  }

  openFolder(name: string): WasiFolder {
    const node = this.#get(name);
    return node.type === Filetype.folder
      ? new MemoryFolder(this.#files, node)
      : fail(Errno.notFolder);
  }

  openFile(name: string, { create, exclusive, truncate }: OpenHow): WasiFile {
    let node = this.node.entries.get(name);
    if (node === undefined) {
      if (!create) fail(Errno.notThere);
      node = this.#files.makeFile(this.node, name);
    } else if (create && exclusive) fail(Errno.exists);
    if (node.type === Filetype.link) fail(Errno.loop);
    if (node.type === Filetype.folder) fail(Errno.isFolder);
    const file = new MemoryFile(this.#files, node);
    if (truncate) file.setSize(0);
    return file;
  }

  makeFolder(name: string): void {
    this.#files.makeFolder(this.node, name);
  }

  removeFolder(name: string): void {
    const node = this.#get(name);
    if (node.type !== Filetype.folder) fail(Errno.notFolder);
    if (node.entries.size > 0) fail(Errno.notEmpty);
    this.#files.remove(this.node, name, node);
  }

  removeFile(name: string): void {
    const node = this.#get(name);
    if (node.type === Filetype.folder) fail(Errno.isFolder);
    this.#files.remove(this.node, name, node);
  }

  link(name: string, to: WasiFolder, toName: string): void {
    if (!(to instanceof MemoryFolder) || to.#files !== this.#files) fail(Errno.crossDevice);
    const node = this.#get(name);
    if (to.node.entries.has(toName)) fail(Errno.exists);
    if (node.type === Filetype.folder) fail(Errno.notPermitted);
    this.#files.addName(to.node, toName, node);
  }

  rename(name: string, to: WasiFolder, toName: string): void {
    if (!(to instanceof MemoryFolder) || to.#files !== this.#files) fail(Errno.crossDevice);
    this.#files.rename(this.node, name, to.node, toName);
  }

  symlink(target: string, name: string): void {
    this.#files.makeLink(this.node, name, target);
  }

  setTimes(name: string, times: Times): void {
    this.#files.setTimes(this.#get(name), times);
  }

  entries(): readonly FolderEntry[] {
    return Array.from(this.node.entries, ([name, { ino, type }]) => ({ name, ino, type }));
  }

  stat(): FileStat {
    return statOf(this.node);
  }

  setOwnTimes(times: Times): void {
    this.#files.setTimes(this.node, times);
  }

  sync(): void {}

  reopen(): WasiFolder {
    return this;
  }

  close(): void {}
}

class MemoryFile implements WasiFile {
  readonly closed = false;
  readonly #files: MemoryFiles;
  readonly #node: FileNode;

  constructor(files: MemoryFiles, node: FileNode) {
    this.#files = files;
    this.#node = node;
  }

  read(into: Uint8Array, position: number): number {
    const { bytes, size } = this.#node;
    if (position >= size) return 0;
    const end = Math.min(position + into.length, size);
    into.set(bytes.subarray(position, end));
    return end - position;
  }

  write(from: Uint8Array, position: number): number {
    const node = this.#node;
    const end = position + from.length;
    this.#files.makeRoom(node, Math.max(end, node.size));
    if (position > node.size) node.bytes.fill(0, node.size, position);
    node.bytes.set(from, position);
    node.size = Math.max(node.size, end);
    this.#files.touch(node, 'mtim', 'ctim');
    return from.length;
  }

  sizeBytes(): number {
    return this.#node.size;
  }

  setSize(sizeBytes: number): void {
    const node = this.#node;
    if (sizeBytes > node.size) {
      this.#files.makeRoom(node, sizeBytes);
      node.bytes.fill(0, node.size, sizeBytes);
    } else if (sizeBytes === 0) {
      if (node.nlink > 0) this.#files.charge(-node.bytes.length);
      node.bytes = new Uint8Array();
      node.shared = false;
    }
    node.size = sizeBytes;
    this.#files.touch(node, 'mtim', 'ctim');
  }

  stat(): FileStat {
    return statOf(this.#node);
  }

  setTimes(times: Times): void {
    this.#files.setTimes(this.#node, times);
  }

  sync(): void {}

  close(): void {}
}
