// What WASI asks of a file system. Two kinds do it: files in memory, and folders of the host. A folder
// answers for one name at a time, and follows no symbolic link: that, and everything that keeps a
// guest inside, is done once for both, in paths.ts.

/** Facts about a file, a folder or a link: `filestat`, with times in nanoseconds. */
export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  /** One of `Filetype`. */
  readonly type: number;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atim: bigint;
  readonly mtim: bigint;
  readonly ctim: bigint;
}

/** Times to set, in nanoseconds since 1970; undefined: stays as it is. */
export interface Times {
  readonly atim: bigint | undefined;
  readonly mtim: bigint | undefined;
}

/** One entry of a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly ino: bigint;
  readonly type: number;
}

/** How a file is opened. */
export interface OpenHow {
  readonly read: boolean;
  readonly write: boolean;
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
}

/**
 * An open file. It has no position of its own: who reads says where. All throw a `WasiFault`, or the
 * error of a system call.
 */
export interface WasiFile {
  /** Returns how many bytes were read; 0 at the end. */
  read(into: Uint8Array, position: number): number;
  /** Returns how many bytes were written. */
  write(from: Uint8Array, position: number): number;
  sizeBytes(): number;
  setSize(sizeBytes: number): void;
  stat(): FileStat;
  setTimes(times: Times): void;
  /** Has the system write to the disk what it holds back. */
  sync(): void;
  close(): void;
  /** Whether it can be read no more, because it was closed. */
  readonly closed: boolean;
}

/**
 * An open folder. `name` is one name in it, never empty, `.` or `..`, and without a `/`. No function
 * follows a link of that name. All throw a `WasiFault`, or the error of a system call.
 */
export interface WasiFolder {
  /** What is there under that name; undefined: nothing. */
  lstat(name: string): FileStat | undefined;
  readLink(name: string): string;
  /** ENOTDIR or ELOOP for anything but a folder. */
  openFolder(name: string): WasiFolder;
  /** ELOOP for a link, EISDIR for a folder. */
  openFile(name: string, how: OpenHow): WasiFile;
  makeFolder(name: string): void;
  removeFolder(name: string): void;
  /** Removes a file or a link. */
  removeFile(name: string): void;
  /** Gives a file, or a link, a further name in a folder of the same kind. */
  link(name: string, to: WasiFolder, toName: string): void;
  rename(name: string, to: WasiFolder, toName: string): void;
  symlink(target: string, name: string): void;
  setTimes(name: string, times: Times): void;
  /** All but `.` and `..`. */
  entries(): readonly FolderEntry[];
  /** Of the folder itself. */
  stat(): FileStat;
  setOwnTimes(times: Times): void;
  sync(): void;
  /** The same folder, opened once more. */
  reopen(): WasiFolder;
  close(): void;
  readonly closed: boolean;
}
