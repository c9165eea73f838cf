import { hostFs } from '../../../platform/host-fs.js';
import { Filetype } from '../../wasi/abi.js';
import { Errno, fail } from '../../wasi/errno.js';
import type { FileStat, Times, WasiFile, WasiFolder } from '../../wasi/files.js';
import { lstat, newName, statOf } from '../../wasi/functions-of-paths.js';
import { openHostFolder } from '../../wasi/host-files.js';
import { type PathEnd, walk } from '../../wasi/paths.js';

// What `wasi:filesystem` asks of open files and folders, without the parts in which its previews
// differ: streams, promises, and whether an enum is a string or a variant.

/** `path-flags`. */
export interface PathFlags {
  readonly symlinkFollow?: boolean;
}

/** `open-flags`. */
export interface OpenFlags {
  readonly create?: boolean;
  readonly directory?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
}

/** `descriptor-flags`. */
export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly mutateDirectory?: boolean;
}

/** `datetime` of preview 2, `instant` of preview 3. */
export interface Instant {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** `new-timestamp`. */
export type NewTimestamp =
  | { readonly tag: 'no-change' | 'now' }
  | { readonly tag: 'timestamp'; readonly val: Instant };

const NANOS = 1_000_000_000n;
const NANOS_PER_MILLI = 1_000_000n;
const MAX_READ_BYTES = 2 ** 20;

/** The open files and folders of one instance; closed with it. */
export class OpenFiles {
  readonly #preopens: Readonly<Record<string, string>>;
  readonly #open = new Set<Opened>();
  #isOver = false;

  /** @param preopens folders of the host, by the instance's names for them */
  constructor(preopens: Readonly<Record<string, string>>, dropped: AbortSignal | undefined) {
    this.#preopens = preopens;
    dropped?.addEventListener('abort', () => this.#end(), { once: true });
  }

  /** The preopened folders, each opened anew. Throws the system's error. */
  preopens(): [folder: Opened, name: string][] {
    return Object.entries(this.#preopens).map(([name, path]) => [
      this.add({ folder: openHostFolder(hostFs('wasi.preopens'), path) }, preopenFlags),
      name,
    ]);
  }

  add(what: { file: WasiFile } | { folder: WasiFolder }, flags: DescriptorFlags): Opened {
    const opened = new Opened(this, what, flags);
    this.#open.add(opened);
    if (this.#isOver) opened.close(); // a call that outlives its instance
    return opened;
  }

  remove(opened: Opened): void {
    this.#open.delete(opened);
  }

  #end(): void {
    this.#isOver = true;
    for (const opened of this.#open) opened.close();
  }
}

const preopenFlags: DescriptorFlags = { read: true, write: true, mutateDirectory: true };

/** A file as `descriptor-stat` tells of it, but for how its type is written. */
export interface Stat {
  readonly type: string;
  readonly linkCount: bigint;
  readonly size: bigint;
  readonly dataAccessTimestamp: Instant;
  readonly dataModificationTimestamp: Instant;
  readonly statusChangeTimestamp: Instant;
}

/** An open file or folder. All methods throw a `WasiFault`, or the error of a system call. */
export class Opened {
  readonly #files: OpenFiles;
  readonly #what: { readonly file: WasiFile } | { readonly folder: WasiFolder };
  readonly flags: DescriptorFlags;

  constructor(
    files: OpenFiles,
    what: { readonly file: WasiFile } | { readonly folder: WasiFolder },
    flags: DescriptorFlags,
  ) {
    this.#files = files;
    this.#what = what;
    this.flags = flags;
  }

  close(): void {
    this.#files.remove(this);
    if ('file' in this.#what) this.#what.file.close();
    else this.#what.folder.close();
  }

  get #file(): WasiFile {
    if (!('file' in this.#what)) return fail(Errno.isFolder);
    return this.#what.file.closed ? fail(Errno.badDescriptor) : this.#what.file;
  }

  get #folder(): WasiFolder {
    return 'folder' in this.#what ? this.#what.folder : fail(Errno.notFolder);
  }

  /** A folder that may be changed. */
  get #changeable(): WasiFolder {
    return this.flags.mutateDirectory === true ? this.#folder : fail(Errno.readOnly);
  }

  /** Bytes from there on; none at the end. */
  read(length: bigint, offset: bigint): Uint8Array<ArrayBuffer> {
    if (this.flags.read !== true) fail(Errno.badDescriptor);
    const bytes = new Uint8Array(Number(length < MAX_READ_BYTES ? length : MAX_READ_BYTES));
    return bytes.subarray(0, this.#file.read(bytes, positionOf(offset)));
  }

  /** Writes all of it. Without an offset, at the end. */
  write(bytes: Uint8Array, offset?: bigint): void {
    if (this.flags.write !== true) fail(Errno.badDescriptor);
    const file = this.#file;
    const start = offset === undefined ? file.sizeBytes() : positionOf(offset);
    for (let at = 0; at < bytes.length; ) at += file.write(bytes.subarray(at), start + at);
  }

  /** Throws where it cannot be read, or written, as a file. */
  check(access: 'read' | 'write'): void {
    if (this.flags[access] !== true) fail(Errno.badDescriptor);
    this.#file.sizeBytes();
  }

  type(): string {
    return 'folder' in this.#what ? 'directory' : 'regular-file';
  }

  setSize(size: bigint): void {
    if (this.flags.write !== true) fail(Errno.badDescriptor);
    this.#file.setSize(positionOf(size));
  }

  setTimes(atim: NewTimestamp, mtim: NewTimestamp): void {
    const times = timesOf(atim, mtim);
    if ('file' in this.#what) this.#file.setTimes(times);
    else this.#changeable.setOwnTimes(times);
  }

  sync(): void {
    if ('file' in this.#what) this.#file.sync();
    else this.#folder.sync();
  }

  stat(): Stat {
    return statOfWasi('file' in this.#what ? this.#file.stat() : this.#folder.stat());
  }

  entries(): { readonly type: string; readonly name: string }[] {
    return this.#folder.entries().map(({ type, name }) => ({ type: typeName(type), name }));
  }

  statAt(flags: PathFlags, path: string): Stat {
    return statOfWasi(walk(this.#folder, path, flags.symlinkFollow === true, statOf));
  }

  setTimesAt(flags: PathFlags, path: string, atim: NewTimestamp, mtim: NewTimestamp): void {
    const times = timesOf(atim, mtim);
    walk(this.#changeable, path, flags.symlinkFollow === true, (end) => {
      statOf(end);
      if (end.name === undefined) end.folder.setOwnTimes(times);
      else end.folder.setTimes(end.name, times);
    });
  }

  createFolderAt(path: string): void {
    const make = ({ folder, name }: PathEnd) => folder.makeFolder(name ?? fail(Errno.exists));
    walk(this.#changeable, path, false, make, false);
  }

  removeFolderAt(path: string): void {
    const remove = ({ folder, name }: PathEnd) => folder.removeFolder(name ?? fail(Errno.invalid));
    walk(this.#changeable, path, false, remove, false);
  }

  unlinkAt(path: string): void {
    const unlink = (end: PathEnd) => {
      const { type } = lstat(end);
      if (type === Filetype.folder || end.name === undefined) return fail(Errno.isFolder);
      return end.asFolder ? fail(Errno.notFolder) : end.folder.removeFile(end.name);
    };
    walk(this.#changeable, path, false, unlink, false);
  }

  readLinkAt(path: string): string {
    return walk(this.#folder, path, false, ({ folder, name }) =>
      folder.readLink(name ?? fail(Errno.invalid)),
    );
  }

  symlinkAt(target: string, path: string): void {
    if (target === '') fail(Errno.notThere);
    if (target.startsWith('/')) fail(Errno.notCapable); // it would lead out of here
    const make = (end: PathEnd) => end.folder.symlink(target, newName(end));
    walk(this.#changeable, path, false, make, false);
  }

  linkAt(flags: PathFlags, path: string, to: Opened, toPath: string): void {
    if (flags.symlinkFollow === true) fail(Errno.invalid);
    const target = to.#changeable;
    walk(this.#changeable, path, false, (end) => {
      const { folder, name } = end;
      if (statOf(end).type === Filetype.folder || name === undefined) fail(Errno.notPermitted);
      walk(target, toPath, false, (toEnd) => folder.link(name, toEnd.folder, newName(toEnd)));
    });
  }

  renameAt(path: string, to: Opened, toPath: string): void {
    const target = to.#changeable;
    const rename = (end: PathEnd) => {
      const isFolder = lstat(end).type === Filetype.folder;
      const { folder, name } = end;
      if (name === undefined) return fail(Errno.busy);
      if (end.asFolder && !isFolder) fail(Errno.notFolder);
      const place = (toEnd: PathEnd) => {
        if (toEnd.asFolder && !isFolder) fail(Errno.notFolder);
        folder.rename(name, toEnd.folder, toEnd.name ?? fail(Errno.busy));
      };
      return walk(target, toPath, false, place, false);
    };
    walk(this.#changeable, path, false, rename, false);
  }

  openAt(at: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags): Opened {
    const { create = false, directory = false, exclusive = false, truncate = false } = how;
    const { read = false, write = false } = flags;
    if (create && directory) fail(Errno.invalid);
    const changes = create || truncate || write;
    const base = changes ? this.#changeable : this.#folder;
    // Read or written, links lead on; made anew, a name is not followed: POSIX, open().
    const open = (end: PathEnd): Opened => {
      const { folder, name } = end;
      const there = name === undefined ? folder.stat() : folder.lstat(name);
      if (name === undefined || there?.type === Filetype.folder) {
        if (changes) fail(create && exclusive ? Errno.exists : Errno.isFolder);
        const opened = name === undefined ? folder.reopen() : folder.openFolder(name);
        const mutateDirectory =
          flags.mutateDirectory === true && this.flags.mutateDirectory === true;
        return this.#files.add({ folder: opened }, { read: true, write, mutateDirectory });
      }
      if (there === undefined && !create) fail(Errno.notThere);
      if (there !== undefined && create && exclusive) fail(Errno.exists);
      if (there?.type === Filetype.link) fail(Errno.loop);
      if (directory || end.asFolder) fail(there === undefined ? Errno.isFolder : Errno.notFolder);
      const file = folder.openFile(name, {
        ...{ read: read || !write, write: write || truncate, create, exclusive, truncate },
      });
      return this.#files.add({ file }, { read: read || !write, write });
    };
    return walk(base, path, at.symlinkFollow === true && !exclusive, open);
  }

  isSame(other: Opened): boolean {
    const [one, two] = [this.hash(), other.hash()];
    return one.upper === two.upper && one.lower === two.lower;
  }

  /** Says which file it is, and differs once it is another under the same name. */
  hash(): { readonly upper: bigint; readonly lower: bigint } {
    return hashOf('file' in this.#what ? this.#file.stat() : this.#folder.stat());
  }

  hashAt(flags: PathFlags, path: string): { readonly upper: bigint; readonly lower: bigint } {
    return hashOf(walk(this.#folder, path, flags.symlinkFollow === true, statOf));
  }
}

const hashOf = ({ dev, ino }: FileStat) => ({
  upper: BigInt.asUintN(64, dev),
  lower: BigInt.asUintN(64, ino),
});

function positionOf(offset: bigint): number {
  return offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : fail(Errno.invalid);
}

function typeName(type: number): string {
  if (type === Filetype.folder) return 'directory';
  if (type === Filetype.file) return 'regular-file';
  if (type === Filetype.link) return 'symbolic-link';
  return type === Filetype.characterDevice ? 'character-device' : 'unknown';
}

function statOfWasi({ type, nlink, size, atim, mtim, ctim }: FileStat): Stat {
  return {
    type: typeName(type),
    linkCount: nlink,
    size,
    dataAccessTimestamp: instantOf(atim),
    dataModificationTimestamp: instantOf(mtim),
    statusChangeTimestamp: instantOf(ctim),
  };
}

function instantOf(nanos: bigint): Instant {
  return { seconds: nanos / NANOS, nanoseconds: Number(nanos % NANOS) };
}

function timesOf(atim: NewTimestamp, mtim: NewTimestamp): Times {
  const now = BigInt(Date.now()) * NANOS_PER_MILLI;
  const nanos = (time: NewTimestamp) => {
    if (time.tag === 'timestamp') return time.val.seconds * NANOS + BigInt(time.val.nanoseconds);
    return time.tag === 'now' ? now : undefined;
  };
  return { atim: nanos(atim), mtim: nanos(mtim) };
}
