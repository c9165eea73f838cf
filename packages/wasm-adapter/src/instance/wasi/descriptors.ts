import { CHANGING_RIGHTS, FILE_RIGHTS, Filetype, FOLDER_RIGHTS, Right } from './abi.js';
import { Errno, fail } from './errno.js';
import type { FolderEntry, WasiFile, WasiFolder } from './files.js';
import type { InputStream, OutputStream } from './streams.js';

/** The most descriptors that a guest may have open, as is usual for a process. */
const MAX_DESCRIPTORS = 1024;

interface Common {
  /** What may be done with it, and with what is opened in it: bits of `Right`. */
  rights: number;
  inheriting: number;
  /** Bits of `DescriptorFlag`. */
  flags: number;
  /** Nothing may be changed by it: such an attempt is EROFS. */
  readonly readOnly: boolean;
}

/** An open file, with its position. */
export interface FileDescriptor extends Common {
  readonly kind: 'file';
  readonly file: WasiFile;
  position: number;
}

/** An open folder. */
export interface FolderDescriptor extends Common {
  readonly kind: 'folder';
  readonly folder: WasiFolder;
  /** The name by which the guest finds it, where it was given open. */
  readonly preopen: Uint8Array | undefined;
  /** What it had in it when its listing was begun. */
  listing: readonly FolderEntry[] | undefined;
}

/** A standard stream. */
export interface StreamDescriptor extends Common {
  readonly kind: 'stream';
  readonly input: InputStream | undefined;
  readonly output: OutputStream | undefined;
}

export type Descriptor = FileDescriptor | FolderDescriptor | StreamDescriptor;

/** Reading only, or writing only: nothing that would cut a log short, or write over what is there. */
const INPUT_RIGHTS = Right.read | Right.stat | Right.poll;
const OUTPUT_RIGHTS = Right.write | Right.stat | Right.poll | Right.sync | Right.fileSync;

export function inputDescriptor(input: InputStream): StreamDescriptor {
  return streamDescriptor(input, undefined, INPUT_RIGHTS);
}

export function outputDescriptor(output: OutputStream): StreamDescriptor {
  return streamDescriptor(undefined, output, OUTPUT_RIGHTS);
}

function streamDescriptor(
  input: InputStream | undefined,
  output: OutputStream | undefined,
  rights: number,
): StreamDescriptor {
  return { kind: 'stream', input, output, rights, inheriting: 0, flags: 0, readOnly: false };
}

/** A folder that a guest is given, under a name. */
export function preopenDescriptor(
  folder: WasiFolder,
  name: Uint8Array,
  readOnly: boolean,
): FolderDescriptor {
  const all = readOnly ? ~CHANGING_RIGHTS : ~0;
  return {
    ...{ kind: 'folder', folder, preopen: name, listing: undefined },
    rights: FOLDER_RIGHTS & all,
    inheriting: (FILE_RIGHTS | FOLDER_RIGHTS) & all,
    flags: 0,
    readOnly,
  };
}

/** `filetype` of what is open. Streams are no terminals, so they are of no type that is told. */
export function filetypeOf({ kind }: Descriptor): number {
  return { file: Filetype.file, folder: Filetype.folder, stream: Filetype.unknown }[kind];
}

interface TableState {
  readonly entries: readonly (readonly [Descriptor, Descriptor] | undefined)[];
  readonly positions: ReadonlyMap<InputStream, number | undefined>;
}

/** The descriptors of one guest, by their numbers. What a guest does to them is its own affair. */
export class Descriptors {
  #entries: (Descriptor | undefined)[] = [];
  #ended: (() => Error) | undefined;
  #snapshot: TableState | undefined;

  /** Takes the place of all that was open. */
  replaceAll(entries: readonly Descriptor[]): void {
    this.#closeAll();
    this.#entries = [...entries];
    this.#snapshot = undefined;
  }

  /** EBADF where nothing is open by that number. ENOTCAPABLE without those rights, or EROFS. */
  get(fd: number, rights: number): Descriptor {
    const descriptor = this.#entries[fd >>> 0];
    if (descriptor === undefined) {
      this.#assertOpen();
      return fail(Errno.badDescriptor);
    }
    if ((descriptor.rights & rights) !== rights) this.#refuse(descriptor, rights);
    return descriptor;
  }

  #refuse({ readOnly, kind, rights }: Descriptor, wanted: number): never {
    if (readOnly && (wanted & CHANGING_RIGHTS & ~rights) !== 0 && kind !== 'stream') {
      fail(Errno.readOnly);
    }
    return fail(Errno.notCapable);
  }

  file(fd: number, rights: number): FileDescriptor {
    const descriptor = this.#entries[fd >>> 0];
    if (descriptor?.kind === 'folder') {
      // A folder never has these rights, whatever the guest was given: say why.
      fail((rights & (Right.read | Right.write)) !== 0 ? Errno.isFolder : Errno.badDescriptor);
    }
    const checked = this.get(fd, rights);
    return checked.kind === 'file' ? checked : fail(Errno.notSeekable);
  }

  folder(fd: number, rights: number): FolderDescriptor {
    const descriptor = this.#entries[fd >>> 0];
    if (descriptor !== undefined && descriptor.kind !== 'folder') fail(Errno.notFolder);
    const checked = this.get(fd, rights);
    return checked.kind === 'folder' ? checked : fail(Errno.notFolder);
  }

  /** Throws before anything is opened that could not be given a number. EMFILE. */
  requireRoom(): void {
    this.#assertOpen();
    if (this.#entries.length < MAX_DESCRIPTORS) return;
    if (!this.#entries.includes(undefined)) fail(Errno.tooManyOpen);
  }

  /** Gives a descriptor the lowest number that is free. */
  add(descriptor: Descriptor): number {
    let fd = this.#entries.indexOf(undefined);
    if (fd === -1) fd = this.#entries.length;
    this.#entries[fd] = descriptor;
    return fd;
  }

  close(fd: number): void {
    const descriptor = this.get(fd, 0);
    this.#entries[fd >>> 0] = undefined;
    this.#close(descriptor);
  }

  /** Puts what is open as `from` in the place of `to`, which is closed. Both have to be open. */
  renumber(from: number, to: number): void {
    const moved = this.get(from, 0);
    const replaced = this.get(to, 0);
    if (from >>> 0 === to >>> 0) return;
    this.#entries[from >>> 0] = undefined;
    this.#entries[to >>> 0] = moved;
    this.#close(replaced);
  }

  #close(descriptor: Descriptor): void {
    if (descriptor.kind === 'stream') return; // the host's to close
    if (this.#snapshot?.entries.some((entry) => entry?.[0] === descriptor)) return; // to be put back
    this.#closeNow(descriptor);
  }

  #closeNow(descriptor: Descriptor): void {
    if (descriptor.kind === 'file') descriptor.file.close();
    else if (descriptor.kind === 'folder') descriptor.folder.close();
  }

  #closeAll(): void {
    for (const descriptor of this.#entries) if (descriptor) this.#closeNow(descriptor);
    for (const entry of this.#snapshot?.entries ?? []) if (entry) this.#closeNow(entry[0]);
    this.#entries = [];
    this.#snapshot = undefined;
  }

  /**
   * Closes everything, for good. A guest that goes on all the same, such as a suspended call that
   * outlives its instance, is thrown that error: it might go on for ever after any error number.
   */
  end(error: () => Error): void {
    this.#ended = error;
    this.#closeAll();
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended();
  }

  /** Remembers what is open, and where its positions are. */
  snapshot(): void {
    const entries = this.#entries.map((entry) => entry && ([entry, { ...entry }] as const));
    const positions = new Map(
      this.#entries.flatMap((entry) =>
        entry?.kind === 'stream' && entry.input ? [[entry.input, entry.input.position()]] : [],
      ),
    );
    this.#snapshot = { entries, positions };
  }

  /** Whether all is as it was when it was remembered. */
  isUnchanged(): boolean {
    const before = this.#snapshot;
    if (before === undefined) return false;
    // A file that was opened since, and closed again, leaves an empty place behind.
    const most = Math.max(before.entries.length, this.#entries.length);
    const sameEntries = Array.from({ length: most }, (_, fd) => fd).every((fd) => {
      const entry = before.entries[fd];
      const now = this.#entries[fd];
      if (entry === undefined || now === undefined) return now === entry?.[0];
      return now === entry[0] && isShallowEqual(now, entry[1]);
    });
    return sameEntries && [...before.positions].every(([input, at]) => input.position() === at);
  }

  /** Puts all that back; what was opened since is closed. In words, why that cannot be done exactly. */
  restore(): string | undefined {
    const before = this.#snapshot;
    if (before === undefined) return 'its open files were never remembered';
    const kept = new Set(before.entries.map((entry) => entry?.[0]));
    for (const descriptor of this.#entries) {
      if (descriptor && !kept.has(descriptor)) this.#closeNow(descriptor);
    }
    this.#entries = before.entries.map((entry) => entry && Object.assign(entry[0], entry[1]));
    for (const [input, position] of before.positions) {
      if (!input.rewind(position)) return 'it read of a standard input that cannot be read again';
    }
    return undefined;
  }
}

function isShallowEqual(one: Descriptor, other: Descriptor): boolean {
  const values = new Map<string, unknown>(Object.entries(other));
  return Object.entries(one).every(([name, value]) => values.get(name) === value);
}
