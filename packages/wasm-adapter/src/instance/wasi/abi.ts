// Constants of WASI preview 1, as its witx has them.

export const Filetype = {
  unknown: 0,
  characterDevice: 2,
  folder: 3,
  file: 4,
  link: 7,
} as const;

/** What may be done with a descriptor (`rights`): bits, all below 2 ** 30. */
export const Right = {
  sync: 1 << 0,
  read: 1 << 1,
  seek: 1 << 2,
  setFlags: 1 << 3,
  fileSync: 1 << 4,
  tell: 1 << 5,
  write: 1 << 6,
  advise: 1 << 7,
  allocate: 1 << 8,
  createFolder: 1 << 9,
  createFile: 1 << 10,
  linkSource: 1 << 11,
  linkTarget: 1 << 12,
  open: 1 << 13,
  list: 1 << 14,
  readLink: 1 << 15,
  renameSource: 1 << 16,
  renameTarget: 1 << 17,
  pathStat: 1 << 18,
  pathSetSize: 1 << 19,
  pathSetTimes: 1 << 20,
  stat: 1 << 21,
  setSize: 1 << 22,
  setTimes: 1 << 23,
  symlink: 1 << 24,
  removeFolder: 1 << 25,
  unlink: 1 << 26,
  poll: 1 << 27,
} as const;

const { sync, read, seek, setFlags, fileSync, tell, write, advise, allocate } = Right;

/** What there is to do with a file at all. */
export const FILE_RIGHTS =
  sync |
  read |
  seek |
  setFlags |
  fileSync |
  tell |
  write |
  advise |
  allocate |
  (Right.stat | Right.setSize | Right.setTimes | Right.poll);

/** And with a folder. */
export const FOLDER_RIGHTS =
  sync |
  setFlags |
  fileSync |
  advise |
  Right.createFolder |
  Right.createFile |
  (Right.linkSource | Right.linkTarget | Right.open | Right.list | Right.readLink) |
  (Right.renameSource | Right.renameTarget | Right.pathStat | Right.pathSetSize) |
  (Right.pathSetTimes | Right.stat | Right.setTimes | Right.symlink) |
  (Right.removeFolder | Right.unlink);

/** The rights to change something: a descriptor of a read-only folder has none of them. */
export const CHANGING_RIGHTS =
  write |
  allocate |
  Right.createFolder |
  Right.createFile |
  Right.linkSource |
  (Right.linkTarget | Right.renameSource | Right.renameTarget | Right.pathSetSize) |
  (Right.pathSetTimes | Right.setSize | Right.setTimes | Right.symlink) |
  (Right.removeFolder | Right.unlink);

/** `lookupflags`. */
export const FOLLOW = 1;

/** `oflags`. */
export const OpenFlag = { create: 1, folder: 2, exclusive: 4, truncate: 8 } as const;

/** `fdflags`. */
export const DescriptorFlag = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;

/** `fstflags`. */
export const TimeFlag = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;

/** `whence`, as preview 1 numbers them. */
export const Whence = { set: 0, current: 1, end: 2 } as const;

/** `clockid`. */
export const Clock = { realtime: 0, monotonic: 1, processCpu: 2, threadCpu: 3 } as const;

/**
 * How the two versions of the interface differ in their layouts: `wasi_unstable` (snapshot 0) and
 * `wasi_snapshot_preview1`.
 */
export interface Layout {
  /** The number of links in a `filestat` has four bytes, and what follows it stands 8 bytes before. */
  readonly shortFilestat: boolean;
  /** How `whence` is numbered there: index by its number, to get ours. */
  readonly whence: readonly number[];
  /** The size of a `subscription`, and where its clock begins. */
  readonly subscriptionBytes: number;
  readonly clockAt: number;
}

export const preview1: Layout = {
  shortFilestat: false,
  whence: [Whence.set, Whence.current, Whence.end],
  subscriptionBytes: 48,
  clockAt: 16,
};

/** A clock of snapshot 0 is preceded by an identifier of its own. */
export const unstable: Layout = {
  shortFilestat: true,
  whence: [Whence.current, Whence.end, Whence.set],
  subscriptionBytes: 56,
  clockAt: 24,
};
