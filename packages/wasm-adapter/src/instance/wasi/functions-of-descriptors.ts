import { DescriptorFlag, Filetype, Right, TimeFlag, Whence } from './abi.js';
import type { FileDescriptor, StreamDescriptor } from './descriptors.js';
import { filetypeOf } from './descriptors.js';
import { Errno, fail } from './errno.js';
import type { FileStat, FolderEntry, Times } from './files.js';
import type { Guest } from './guest.js';
import { utf8 } from './guest-memory.js';

/** The size of a `dirent`, which the name follows. */
const DIRENT_BYTES = 24;

/** All bits of `fdflags`. */
const ALL_FLAGS =
  DescriptorFlag.append |
  DescriptorFlag.dsync |
  DescriptorFlag.nonblock |
  DescriptorFlag.rsync |
  DescriptorFlag.sync;

const SYNC_FLAGS = DescriptorFlag.dsync | DescriptorFlag.sync;

/** The functions of preview 1 that begin with `fd_`. */
export const descriptorFunctions = {
  fd_advise: (guest: Guest) => (fd: number, offset: bigint, length: bigint, advice: number) => {
    const descriptor = guest.descriptors.get(fd, Right.advise);
    if (descriptor.kind === 'folder') fail(Errno.badDescriptor);
    if (offset < 0n || length < 0n || advice >>> 0 > 5) fail(Errno.invalid);
  },

  fd_allocate: (guest: Guest) => (fd: number, offset: bigint, length: bigint) => {
    const { file } = guest.descriptors.file(fd, Right.allocate);
    const end = sizeOf(offset) + sizeOf(length);
    if (length === 0n) fail(Errno.invalid);
    if (!Number.isSafeInteger(end)) fail(Errno.fileTooBig);
    if (end > file.sizeBytes()) file.setSize(end);
  },

  fd_close: (guest: Guest) => (fd: number) => guest.descriptors.close(fd),

  fd_datasync: (guest: Guest) => (fd: number) => sync(guest, fd, Right.sync),
  fd_sync: (guest: Guest) => (fd: number) => sync(guest, fd, Right.fileSync),

  fd_fdstat_get: (guest: Guest) => (fd: number, result: number) => {
    const { memory } = guest;
    const descriptor = guest.descriptors.get(fd, 0);
    const stat = memory.bytes(result, 24);
    stat.fill(0);
    memory.setU8(result, filetypeOf(descriptor));
    memory.setU16(result + 2, descriptor.flags);
    memory.setU64(result + 8, descriptor.rights);
    memory.setU64(result + 16, descriptor.inheriting);
  },

  fd_fdstat_set_flags: (guest: Guest) => (fd: number, flags: number) => {
    const descriptor = guest.descriptors.get(fd, 0);
    if ((flags & ~ALL_FLAGS) !== 0) fail(Errno.invalid);
    // A stream of the host waits or does not: that is not for a guest to change.
    if (descriptor.kind === 'stream') fail(Errno.notSupported);
    guest.descriptors.get(fd, Right.setFlags);
    descriptor.flags = flags;
  },

  fd_fdstat_set_rights: (guest: Guest) => (fd: number, base: bigint, inheriting: bigint) => {
    const descriptor = guest.descriptors.get(fd, 0);
    const more = (rights: bigint, had: number) => (rights & ~BigInt(had)) !== 0n;
    if (more(base, descriptor.rights) || more(inheriting, descriptor.inheriting)) {
      fail(Errno.notCapable);
    }
    descriptor.rights = Number(base);
    descriptor.inheriting = Number(inheriting);
  },

  fd_filestat_get: (guest: Guest) => (fd: number, result: number) => {
    const descriptor = guest.descriptors.get(fd, Right.stat);
    if (descriptor.kind === 'file') writeStat(guest, result, descriptor.file.stat());
    else if (descriptor.kind === 'folder') writeStat(guest, result, descriptor.folder.stat());
    else writeStat(guest, result, streamStat);
  },

  fd_filestat_set_size: (guest: Guest) => (fd: number, size: bigint) => {
    guest.descriptors.file(fd, Right.setSize).file.setSize(sizeOf(size));
  },

  fd_filestat_set_times:
    (guest: Guest) => (fd: number, atim: bigint, mtim: bigint, flags: number) => {
      const descriptor = guest.descriptors.get(fd, Right.setTimes);
      const times = timesOf(guest, atim, mtim, flags);
      if (descriptor.kind === 'file') descriptor.file.setTimes(times);
      else if (descriptor.kind === 'folder') descriptor.folder.setOwnTimes(times);
    },

  fd_pread:
    (guest: Guest) =>
    (fd: number, buffers: number, count: number, offset: bigint, result: number) => {
      const { file } = guest.descriptors.file(fd, Right.read | Right.seek);
      const { memory } = guest;
      memory.require(result, 4);
      const read = readFile(guest, file, sizeOf(offset), buffers, count);
      memory.setU32(result, read);
    },

  fd_prestat_dir_name: (guest: Guest) => (fd: number, path: number, room: number) => {
    const { preopen } = guest.descriptors.folder(fd, 0);
    if (preopen === undefined) return fail(Errno.badDescriptor);
    if (room >>> 0 < preopen.length) fail(Errno.nameTooLong);
    guest.memory.write(path, room, preopen);
  },

  fd_prestat_get: (guest: Guest) => (fd: number, result: number) => {
    const descriptor = guest.descriptors.get(fd, 0);
    const preopen = descriptor.kind === 'folder' ? descriptor.preopen : undefined;
    if (preopen === undefined) return fail(Errno.badDescriptor);
    guest.memory.setU32(result, 0); // the tag of a folder, and padding
    guest.memory.setU32(result + 4, preopen.length);
  },

  fd_pwrite:
    (guest: Guest) =>
    (fd: number, buffers: number, count: number, offset: bigint, result: number) => {
      const descriptor = guest.descriptors.file(fd, Right.write | Right.seek);
      const position = sizeOf(offset);
      guest.memory.require(result, 4);
      guest.memory.setU32(result, writeFile(guest, descriptor, position, buffers, count));
    },

  fd_read: (guest: Guest) => (fd: number, buffers: number, count: number, result: number) => {
    const descriptor = guest.descriptors.get(fd, Right.read);
    guest.memory.require(result, 4);
    if (descriptor.kind === 'stream') {
      return readStream(guest, descriptor, buffers, count, result);
    }
    const open = guest.descriptors.file(fd, Right.read);
    const read = readFile(guest, open.file, open.position, buffers, count);
    open.position += read;
    guest.memory.setU32(result, read);
    return undefined;
  },

  fd_readdir:
    (guest: Guest) =>
    (fd: number, buffer: number, room: number, cookie: bigint, result: number) => {
      const { memory } = guest;
      const open = guest.descriptors.folder(fd, Right.list);
      memory.require(buffer, room >>> 0);
      memory.require(result, 4);
      if (cookie === 0n || open.listing === undefined) {
        const { ino } = open.folder.stat();
        const dots = ['.', '..'].map((name) => ({ name, ino, type: Filetype.folder }));
        open.listing = [...dots, ...open.folder.entries()];
      }
      const start = cookie > BigInt(open.listing.length) ? open.listing.length : Number(cookie);
      const used = writeEntries(guest, open.listing, Math.max(0, start), buffer >>> 0, room >>> 0);
      memory.setU32(result, used);
    },

  fd_renumber: (guest: Guest) => (from: number, to: number) => guest.descriptors.renumber(from, to),

  fd_seek: (guest: Guest) => (fd: number, offset: bigint, whence: number, result: number) => {
    const open = guest.descriptors.file(fd, Right.seek);
    const from = guest.layout.whence[whence >>> 0] ?? fail(Errno.invalid);
    guest.memory.require(result, 8);
    const base =
      from === Whence.set ? 0 : from === Whence.current ? open.position : open.file.sizeBytes();
    const position = BigInt(base) + offset;
    if (position < 0n || position > BigInt(Number.MAX_SAFE_INTEGER)) fail(Errno.invalid);
    open.position = Number(position);
    guest.memory.setU64(result, position);
  },

  fd_tell: (guest: Guest) => (fd: number, result: number) => {
    guest.memory.setU64(result, guest.descriptors.file(fd, Right.tell).position);
  },

  fd_write: (guest: Guest) => (fd: number, buffers: number, count: number, result: number) => {
    const descriptor = guest.descriptors.get(fd, Right.write);
    guest.memory.require(result, 4);
    if (descriptor.kind === 'stream') {
      return writeStream(guest, descriptor, buffers, count, result);
    }
    const open = guest.descriptors.file(fd, Right.write);
    const append = (open.flags & DescriptorFlag.append) !== 0;
    const position = append ? open.file.sizeBytes() : open.position;
    const written = writeFile(guest, open, position, buffers, count);
    open.position = position + written;
    guest.memory.setU32(result, written);
    return undefined;
  },
} as const;

function sync(guest: Guest, fd: number, right: number): void {
  const descriptor = guest.descriptors.get(fd, right);
  if (descriptor.kind === 'file') descriptor.file.sync();
  else if (descriptor.kind === 'folder') descriptor.folder.sync();
}

/** A size or an offset, which is unsigned. EINVAL or EFBIG for one that no file has. */
function sizeOf(value: bigint): number {
  if (value < 0n) fail(Errno.invalid);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? fail(Errno.fileTooBig) : Number(value);
}

function readFile(
  { memory }: Guest,
  file: FileDescriptor['file'],
  from: number,
  buffers: number,
  count: number,
): number {
  let read = 0;
  for (const buffer of memory.buffers(buffers, count)) {
    const got = file.read(buffer, from + read);
    read += got;
    if (got < buffer.length) break;
  }
  return read;
}

function writeFile(
  { memory }: Guest,
  { file, flags }: FileDescriptor,
  from: number,
  buffers: number,
  count: number,
): number {
  let written = 0;
  for (const buffer of memory.buffers(buffers, count)) {
    if (from + written + buffer.length > Number.MAX_SAFE_INTEGER) fail(Errno.fileTooBig);
    try {
      const put = file.write(buffer, from + written);
      written += put;
      if (put < buffer.length) break;
    } catch (error) {
      if (written === 0) throw error;
      break; // what was written counts; the next call will fail
    }
  }
  if ((flags & SYNC_FLAGS) !== 0) file.sync();
  return written;
}

/** Reads into the first buffer with room: there may be no more for now. */
function readStream(
  guest: Guest,
  { input }: StreamDescriptor,
  buffers: number,
  count: number,
  result: number,
): undefined | Promise<undefined> {
  const { memory } = guest;
  const [buffer] = memory.buffers(buffers, count);
  if (buffer === undefined || input === undefined) {
    memory.setU32(result, 0);
    return undefined;
  }
  guest.sleeper.assertRunning();
  // What comes later is read into a buffer of ours: the memory may have grown meanwhile.
  const own = guest.sleeper.suspends ? new Uint8Array(Math.min(buffer.length, 65_536)) : buffer;
  const at = own === buffer ? 0 : buffer.byteOffset;
  const finish = (length: number): undefined => {
    if (own !== buffer) memory.bytes(at, length).set(own.subarray(0, length));
    memory.setU32(result, length);
  };
  const read = input.read(own);
  return typeof read === 'number' ? finish(read) : whileRunning(guest, read).then(finish);
}

function writeStream(
  guest: Guest,
  { output }: StreamDescriptor,
  buffers: number,
  count: number,
  result: number,
): undefined | Promise<undefined> {
  const { memory } = guest;
  let written = 0;
  let wait: Promise<undefined> | undefined;
  guest.sleeper.assertRunning();
  for (const buffer of memory.buffers(buffers, count)) {
    const done = output?.write(buffer);
    written += buffer.length;
    if (done !== undefined) wait = wait === undefined ? done : wait.then(() => done);
  }
  memory.setU32(result, written);
  return wait && whileRunning(guest, wait);
}

/** What is waited for, unless the instance is dropped first. */
function whileRunning<T>({ sleeper }: Guest, promise: Promise<T>): Promise<T> {
  const { dropped } = sleeper;
  return new Promise((resolve, reject) => {
    const stop = () => reject(dropped.reason);
    dropped.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => dropped.removeEventListener('abort', stop));
  });
}

/** A stream is not told of: not which file or terminal it is. */
const streamStat: FileStat = {
  ...{ dev: 0n, ino: 0n, type: Filetype.unknown, nlink: 1n, size: 0n },
  ...{ atim: 0n, mtim: 0n, ctim: 0n },
};

/** `filestat`. */
export function writeStat({ memory, layout }: Guest, result: number, stat: FileStat): void {
  const short = layout.shortFilestat;
  memory.bytes(result, short ? 56 : 64).fill(0);
  const at = result >>> 0;
  memory.setU64(at, stat.dev);
  memory.setU64(at + 8, stat.ino);
  memory.setU8(at + 16, stat.type);
  if (short) memory.setU32(at + 20, Number(stat.nlink));
  else memory.setU64(at + 24, stat.nlink);
  const sizeAt = at + (short ? 24 : 32);
  memory.setU64(sizeAt, stat.size);
  memory.setU64(sizeAt + 8, stat.atim);
  memory.setU64(sizeAt + 16, stat.mtim);
  memory.setU64(sizeAt + 24, stat.ctim);
}

/** Which times to set to what. EINVAL for flags that contradict each other, or are none. */
export function timesOf({ clocks }: Guest, atim: bigint, mtim: bigint, flags: number): Times {
  const both = (a: number, b: number) => (flags & a) !== 0 && (flags & b) !== 0;
  const odd = both(TimeFlag.atim, TimeFlag.atimNow) || both(TimeFlag.mtim, TimeFlag.mtimNow);
  if (odd || (flags & ~15) !== 0) fail(Errno.invalid);
  const now = flags & (TimeFlag.atimNow | TimeFlag.mtimNow) ? clocks.realtime() : 0n;
  const time = (given: bigint, set: number, setNow: number) => {
    if (flags & setNow) return now;
    return flags & set ? BigInt.asUintN(64, given) : undefined;
  };
  return {
    atim: time(atim, TimeFlag.atim, TimeFlag.atimNow),
    mtim: time(mtim, TimeFlag.mtim, TimeFlag.mtimNow),
  };
}

/** Writes entries from one on, until there is no room: the last one is cut off there. */
function writeEntries(
  { memory }: Guest,
  entries: readonly FolderEntry[],
  start: number,
  buffer: number,
  room: number,
): number {
  const target = memory.bytes(buffer, room);
  const head = new DataView(new ArrayBuffer(DIRENT_BYTES));
  let used = 0;
  const put = (bytes: Uint8Array) => {
    const part = bytes.subarray(0, room - used);
    target.set(part, used);
    used += part.length;
  };
  for (let index = start; index < entries.length && used < room; index++) {
    const { name, ino, type } = entries[index] as FolderEntry;
    const bytes = utf8(name);
    head.setBigUint64(0, BigInt(index + 1), true);
    head.setBigUint64(8, ino, true);
    head.setUint32(16, bytes.length, true);
    head.setUint32(20, type, true);
    put(new Uint8Array(head.buffer));
    put(bytes);
  }
  return used;
}
