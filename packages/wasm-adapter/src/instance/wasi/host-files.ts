import type { HostFs } from '../../platform/host-fs.js';
import { descriptorPath } from '../../platform/host-fs.js';
import { Filetype } from './abi.js';
import { Errno, fail } from './errno.js';
import type { FileStat, FolderEntry, OpenHow, Times, WasiFile, WasiFolder } from './files.js';

/** How many times of files are remembered exactly. */
const MAX_TIMES = 4096;

type BigStats = import('node:fs').BigIntStats;

/**
 * What the open folders of one preopened folder share. The system is given times as floating-point
 * seconds, which are exact to about 0.2 µs: what a guest has set is remembered, and given back for as
 * long as the system's own time has not changed.
 */
class Host {
  readonly fs: HostFs;
  readonly #times = new Map<string, { atim: bigint; mtim: bigint; seen: BigStats }>();

  constructor(fs: HostFs) {
    this.fs = fs;
  }

  stat(stats: BigStats): FileStat {
    const exact = this.#times.get(`${stats.dev}:${stats.ino}`);
    const { dev, ino, nlink, size } = stats;
    const same = (time: 'atimeNs' | 'mtimeNs') => exact?.seen[time] === stats[time];
    return {
      ...{ dev, ino, type: typeOf(stats), nlink, size },
      atim: exact && same('atimeNs') ? exact.atim : stats.atimeNs,
      mtim: exact && same('mtimeNs') ? exact.mtim : stats.mtimeNs,
      ctim: stats.ctimeNs,
    };
  }

  /** Sets times by `set`, which takes seconds; `stats` says what they are, before and after. */
  setTimes(
    { atim, mtim }: Times,
    stats: () => BigStats,
    set: (atime: number, mtime: number) => void,
  ): void {
    const before = this.stat(stats());
    const wanted = { atim: atim ?? before.atim, mtim: mtim ?? before.mtim };
    set(Number(wanted.atim) / 1e9, Number(wanted.mtim) / 1e9);
    const seen = stats();
    const key = `${seen.dev}:${seen.ino}`;
    this.#times.delete(key);
    this.#times.set(key, { ...wanted, seen });
    if (this.#times.size > MAX_TIMES) {
      for (const oldest of this.#times.keys()) {
        this.#times.delete(oldest);
        break;
      }
    }
  }
}

function typeOf(stats: BigStats): number {
  if (stats.isFile()) return Filetype.file;
  if (stats.isDirectory()) return Filetype.folder;
  if (stats.isSymbolicLink()) return Filetype.link;
  return stats.isCharacterDevice() ? Filetype.characterDevice : Filetype.unknown;
}

/** Opens a folder of the host. Throws the system's error. */
export function openHostFolder(fs: HostFs, path: string): WasiFolder {
  const { O_RDONLY, O_DIRECTORY = 0 } = fs.constants;
  const real = fs.realpathSync(path);
  return new HostFolder(new Host(fs), fs.openSync(real, O_RDONLY | O_DIRECTORY), real);
}

/**
 * A folder of the host. On Linux each name is looked up in the folder as it is open. Elsewhere it is
 * by path, and before and after what it does, the path is checked to lead where it led.
 */
class HostFolder implements WasiFolder {
  readonly #host: Host;
  readonly #fd: number;
  /** Where the folder was when it was opened, without links. */
  readonly #path: string;
  readonly #byDescriptor: string | undefined;
  closed = false;

  constructor(host: Host, fd: number, path: string) {
    this.#host = host;
    this.#fd = fd;
    this.#path = path;
    try {
      if (!host.fs.fstatSync(fd).isDirectory()) fail(Errno.notFolder);
      this.#byDescriptor = descriptorPath(host.fs, fd);
      if (this.#byDescriptor === undefined) this.#checkPath();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Throws ENOTCAPABLE where the path leads elsewhere by now. */
  #checkPath(): void {
    const { fs } = this.#host;
    const [here, there] = [fs.fstatSync(this.#fd), fs.lstatSync(this.#path)];
    const same = here.ino === there.ino && here.dev === there.dev;
    if (!same || fs.realpathSync(this.#path) !== this.#path) fail(Errno.notCapable);
  }

  #at(name: string): string {
    if (this.closed) fail(Errno.badDescriptor);
    // Of the separators of Windows, WASI knows one, and drives have a colon.
    if (this.#host.fs.constants.O_NOFOLLOW === undefined && /[\\:]/.test(name)) {
      fail(Errno.notCapable);
    }
    if (this.#byDescriptor !== undefined) return `${this.#byDescriptor}/${name}`;
    this.#checkPath();
    return this.#where(name);
  }

  #where(name: string): string {
    return `${this.#path.replace(/[/\\]$/, '')}/${name}`;
  }

  lstat(name: string): FileStat | undefined {
    const stats = this.#host.fs.lstatSync(this.#at(name), { bigint: true, throwIfNoEntry: false });
    return stats && this.#host.stat(stats);
  }

  readLink(name: string): string {
    return this.#host.fs.readlinkSync(this.#at(name));
  }

  openFolder(name: string): WasiFolder {
    const { fs } = this.#host;
    const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
    const fd = this.#open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return new HostFolder(this.#host, fd, this.#where(name));
  }

  /** Opens without following a link, which a system that has no way to be told so is asked about. */
  #open(name: string, flags: number): number {
    const { fs } = this.#host;
    const path = this.#at(name);
    if (fs.constants.O_NOFOLLOW === undefined) {
      const stats = fs.lstatSync(path, { throwIfNoEntry: false });
      if (stats?.isSymbolicLink()) fail(Errno.loop);
    }
    return fs.openSync(path, flags, 0o666);
  }

  openFile(name: string, how: OpenHow): WasiFile {
    const { fs } = this.#host;
    const c = fs.constants;
    // Without O_NONBLOCK, a named pipe in the folder would block the thread until it has a writer.
    let flags = (c.O_NOFOLLOW ?? 0) | (c.O_NONBLOCK ?? 0);
    const write = how.write || how.truncate;
    flags |= write ? (how.read ? c.O_RDWR : c.O_WRONLY) : c.O_RDONLY;
    if (how.create) flags |= c.O_CREAT;
    if (how.exclusive) flags |= c.O_EXCL;
    const fd = this.#open(name, flags);
    try {
      const stats = fs.fstatSync(fd);
      if (stats.isDirectory()) fail(Errno.isFolder);
      if (!stats.isFile()) fail(Errno.notSupported); // a device, a pipe, a socket
      if (this.#byDescriptor === undefined) this.#checkPath();
      if (how.truncate) fs.ftruncateSync(fd, 0); // not before it is known to be a file, inside
      return new HostFile(this.#host, fd);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  makeFolder(name: string): void {
    this.#host.fs.mkdirSync(this.#at(name));
  }

  removeFolder(name: string): void {
    this.#host.fs.rmdirSync(this.#at(name));
  }

  removeFile(name: string): void {
    this.#host.fs.unlinkSync(this.#at(name));
  }

  link(name: string, to: WasiFolder, toName: string): void {
    if (!(to instanceof HostFolder)) fail(Errno.crossDevice);
    this.#host.fs.linkSync(this.#at(name), to.#at(toName));
  }

  rename(name: string, to: WasiFolder, toName: string): void {
    if (!(to instanceof HostFolder)) fail(Errno.crossDevice);
    this.#host.fs.renameSync(this.#at(name), to.#at(toName));
  }

  symlink(target: string, name: string): void {
    this.#host.fs.symlinkSync(target, this.#at(name));
  }

  setTimes(name: string, times: Times): void {
    const { fs } = this.#host;
    const path = this.#at(name);
    this.#host.setTimes(
      times,
      () => fs.lstatSync(path, { bigint: true }),
      (atime, mtime) => fs.lutimesSync(path, atime, mtime),
    );
  }

  entries(): readonly FolderEntry[] {
    const { fs } = this.#host;
    const path = this.#at('.');
    return fs.readdirSync(path).flatMap((name) => {
      const stats = this.lstat(name);
      return stats === undefined ? [] : [{ name, ino: stats.ino, type: stats.type }]; // gone by now
    });
  }

  stat(): FileStat {
    return this.#host.stat(this.#host.fs.fstatSync(this.#fd, { bigint: true }));
  }

  setOwnTimes(times: Times): void {
    const { fs } = this.#host;
    this.#host.setTimes(
      times,
      () => fs.fstatSync(this.#fd, { bigint: true }),
      (atime, mtime) => fs.futimesSync(this.#fd, atime, mtime),
    );
  }

  sync(): void {
    this.#host.fs.fsyncSync(this.#fd);
  }

  reopen(): WasiFolder {
    const { fs } = this.#host;
    const { O_RDONLY, O_DIRECTORY = 0 } = fs.constants;
    const fd = fs.openSync(this.#at('.'), O_RDONLY | O_DIRECTORY);
    return new HostFolder(this.#host, fd, this.#path);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#host.fs.closeSync(this.#fd);
  }
}

class HostFile implements WasiFile {
  readonly #host: Host;
  readonly #fd: number;
  closed = false;

  constructor(host: Host, fd: number) {
    this.#host = host;
    this.#fd = fd;
  }

  read(into: Uint8Array, position: number): number {
    return this.#host.fs.readSync(this.#fd, into, 0, into.length, position);
  }

  write(from: Uint8Array, position: number): number {
    return this.#host.fs.writeSync(this.#fd, from, 0, from.length, position);
  }

  sizeBytes(): number {
    return this.#host.fs.fstatSync(this.#fd).size;
  }

  setSize(sizeBytes: number): void {
    this.#host.fs.ftruncateSync(this.#fd, sizeBytes);
  }

  stat(): FileStat {
    return this.#host.stat(this.#host.fs.fstatSync(this.#fd, { bigint: true }));
  }

  setTimes(times: Times): void {
    const { fs } = this.#host;
    this.#host.setTimes(
      times,
      () => fs.fstatSync(this.#fd, { bigint: true }),
      (atime, mtime) => fs.futimesSync(this.#fd, atime, mtime),
    );
  }

  sync(): void {
    this.#host.fs.fsyncSync(this.#fd);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#host.fs.closeSync(this.#fd);
  }
}
