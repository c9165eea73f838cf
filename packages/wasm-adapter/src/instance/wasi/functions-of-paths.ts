import {
  DescriptorFlag,
  FILE_RIGHTS,
  Filetype,
  FOLDER_RIGHTS,
  FOLLOW,
  OpenFlag,
  Right,
} from './abi.js';
import type { Descriptor, FolderDescriptor } from './descriptors.js';
import { Errno, fail } from './errno.js';
import type { WasiFolder } from './files.js';
import { timesOf, writeStat } from './functions-of-descriptors.js';
import type { Guest } from './guest.js';
import { utf8 } from './guest-memory.js';
import { type PathEnd, walk } from './paths.js';

/** What opening with any of these needs write access to the file for. */
const WRITING = Right.write | Right.setSize | Right.allocate;

/** The functions of preview 1 that begin with `path_`. */
export const pathFunctions = {
  path_create_directory: (guest: Guest) => (fd: number, path: number, length: number) => {
    const { folder } = guest.descriptors.folder(fd, Right.createFolder);
    walk(
      folder,
      guest.memory.path(path, length),
      false,
      ({ folder: parent, name }) => parent.makeFolder(name ?? fail(Errno.exists)),
      false,
    );
  },

  path_filestat_get:
    (guest: Guest) => (fd: number, flags: number, path: number, length: number, result: number) => {
      const { folder } = guest.descriptors.folder(fd, Right.pathStat);
      const stat = walk(folder, guest.memory.path(path, length), (flags & FOLLOW) !== 0, statOf);
      writeStat(guest, result, stat);
    },

  path_filestat_set_times:
    (guest: Guest) =>
    (
      fd: number,
      flags: number,
      path: number,
      length: number,
      atim: bigint,
      mtim: bigint,
      set: number,
    ) => {
      const { folder } = guest.descriptors.folder(fd, Right.pathSetTimes);
      const times = timesOf(guest, atim, mtim, set);
      walk(folder, guest.memory.path(path, length), (flags & FOLLOW) !== 0, (end) => {
        statOf(end);
        if (end.name === undefined) end.folder.setOwnTimes(times);
        else end.folder.setTimes(end.name, times);
      });
    },

  path_link:
    (guest: Guest) =>
    (
      fd: number,
      flags: number,
      path: number,
      length: number,
      toFd: number,
      toPath: number,
      toLength: number,
    ) => {
      const from = guest.descriptors.folder(fd, Right.linkSource);
      const to = guest.descriptors.folder(toFd, Right.linkTarget);
      const [source, target] = [
        guest.memory.path(path, length),
        guest.memory.path(toPath, toLength),
      ];
      if ((flags & FOLLOW) !== 0) fail(Errno.invalid);
      walk(from.folder, source, false, (end) => {
        const { type } = statOf(end);
        if (end.name === undefined || type === Filetype.folder) return fail(Errno.notPermitted);
        const { folder, name } = end;
        return walk(to.folder, target, false, (toEnd) =>
          folder.link(name, toEnd.folder, newName(toEnd)),
        );
      });
    },

  path_open:
    (guest: Guest) =>
    (
      fd: number,
      lookup: number,
      path: number,
      length: number,
      openFlags: number,
      base: bigint,
      inheriting: bigint,
      flags: number,
      result: number,
    ) => {
      guest.descriptors.requireRoom();
      const from = guest.descriptors.folder(fd, Right.open);
      if ((openFlags & ~15) !== 0 || (flags & ~31) !== 0) fail(Errno.invalid);
      if (openFlags & OpenFlag.create) guest.descriptors.folder(fd, Right.createFile);
      if (openFlags & OpenFlag.truncate) guest.descriptors.folder(fd, Right.pathSetSize);
      const text = guest.memory.path(path, length);
      guest.memory.require(result, 4);
      // Read or written, links lead on; made anew, a name is not followed: POSIX, open().
      const follow = (lookup & FOLLOW) !== 0 && !(openFlags & OpenFlag.exclusive);
      const given = {
        rights: bitsOf(base) & from.inheriting,
        inheriting: bitsOf(inheriting) & from.inheriting,
        flags,
        readOnly: from.readOnly,
        writes: (bitsOf(base) & Right.write) !== 0,
      };
      if (from.readOnly && given.writes) fail(Errno.readOnly);
      const opened = walk(from.folder, text, follow, (end) => openEnd(end, openFlags, given));
      guest.memory.setU32(result, guest.descriptors.add(opened));
    },

  path_readlink:
    (guest: Guest) =>
    (fd: number, path: number, length: number, buffer: number, room: number, result: number) => {
      const { folder } = guest.descriptors.folder(fd, Right.readLink);
      guest.memory.require(buffer, room >>> 0);
      guest.memory.require(result, 4);
      const target = walk(folder, guest.memory.path(path, length), false, (end) =>
        end.folder.readLink(end.name ?? fail(Errno.invalid)),
      );
      guest.memory.setU32(result, guest.memory.write(buffer, room, utf8(target)));
    },

  path_remove_directory: (guest: Guest) => (fd: number, path: number, length: number) => {
    const { folder } = guest.descriptors.folder(fd, Right.removeFolder);
    walk(
      folder,
      guest.memory.path(path, length),
      false,
      ({ folder: parent, name }) => parent.removeFolder(name ?? fail(Errno.invalid)),
      false,
    );
  },

  path_rename:
    (guest: Guest) =>
    (fd: number, path: number, length: number, toFd: number, toPath: number, toLength: number) => {
      const from = guest.descriptors.folder(fd, Right.renameSource);
      const to = guest.descriptors.folder(toFd, Right.renameTarget);
      const [source, target] = [
        guest.memory.path(path, length),
        guest.memory.path(toPath, toLength),
      ];
      walk(
        from.folder,
        source,
        false,
        (end) => {
          const { type } = lstat(end);
          const { folder, name } = end;
          if (name === undefined) return fail(Errno.busy);
          if (end.asFolder && type !== Filetype.folder) fail(Errno.notFolder);
          return walk(
            to.folder,
            target,
            false,
            (toEnd) => {
              if (toEnd.asFolder && type !== Filetype.folder) fail(Errno.notFolder);
              folder.rename(name, toEnd.folder, toEnd.name ?? fail(Errno.busy));
            },
            false,
          );
        },
        false,
      );
    },

  path_symlink:
    (guest: Guest) =>
    (target: number, length: number, fd: number, path: number, pathLength: number) => {
      const { folder } = guest.descriptors.folder(fd, Right.symlink);
      const to = guest.memory.path(target, length);
      const from = guest.memory.path(path, pathLength);
      if (to === '') fail(Errno.notThere);
      // It would lead out of here, or out of where it is moved to.
      if (to.startsWith('/')) fail(Errno.notCapable);
      walk(folder, from, false, (end) => end.folder.symlink(to, newName(end)), false);
    },

  path_unlink_file: (guest: Guest) => (fd: number, path: number, length: number) => {
    const { folder } = guest.descriptors.folder(fd, Right.unlink);
    walk(
      folder,
      guest.memory.path(path, length),
      false,
      (end) => {
        const { type } = lstat(end);
        if (type === Filetype.folder || end.name === undefined) return fail(Errno.isFolder);
        if (end.asFolder) fail(Errno.notFolder);
        return end.folder.removeFile(end.name);
      },
      false,
    );
  },
} as const;

/** The bits of rights that there are. */
function bitsOf(rights: bigint): number {
  return Number(rights & BigInt(FILE_RIGHTS | FOLDER_RIGHTS));
}

/** What is at the end of a path. ENOENT, or ENOTDIR where the path ends in a slash. */
export function lstat({ folder, name }: PathEnd) {
  return name === undefined ? folder.stat() : (folder.lstat(name) ?? fail(Errno.notThere));
}

export function statOf(end: PathEnd) {
  const stat = lstat(end);
  if (end.asFolder && stat.type !== Filetype.folder) fail(Errno.notFolder);
  return stat;
}

/** The name for something new that is no folder. EEXIST; ENOENT or ENOTDIR where it ends in a slash. */
export function newName({ folder, name, asFolder }: PathEnd): string {
  if (name === undefined) return fail(Errno.exists);
  if (!asFolder) return name;
  const there = folder.lstat(name);
  if (there === undefined) return fail(Errno.notThere);
  return fail(there.type === Filetype.folder ? Errno.exists : Errno.notFolder);
}

/** What a descriptor gets from the call that opens it. */
type Given = Pick<FolderDescriptor, 'rights' | 'inheriting' | 'flags' | 'readOnly'>;

/** Opens what is at the end of a path, with those of the rights that there are of such a thing. */
function openEnd(
  end: PathEnd,
  openFlags: number,
  { writes, ...given }: Given & { readonly writes: boolean },
): Descriptor {
  const { folder, name } = end;
  const creates = (openFlags & OpenFlag.create) !== 0;
  const asFolder = (openFlags & OpenFlag.folder) !== 0;
  if (creates && asFolder) fail(Errno.invalid);
  const there = name === undefined ? folder.stat() : folder.lstat(name);
  if (name === undefined || there?.type === Filetype.folder) {
    if (creates) fail(openFlags & OpenFlag.exclusive ? Errno.exists : Errno.isFolder);
    if (openFlags & OpenFlag.truncate || writes) fail(Errno.isFolder);
    return folderDescriptor(name === undefined ? folder.reopen() : folder.openFolder(name), given);
  }
  if (there === undefined) {
    if (!creates) fail(Errno.notThere);
    if (end.asFolder) fail(Errno.isFolder);
  } else if (creates && openFlags & OpenFlag.exclusive) fail(Errno.exists);
  else if (there.type === Filetype.link) fail(Errno.loop);
  else if (asFolder || end.asFolder) fail(Errno.notFolder);
  const rights = given.rights & FILE_RIGHTS;
  const file = folder.openFile(name, {
    read: (rights & Right.read) !== 0 || (rights & WRITING) === 0,
    write: (rights & WRITING) !== 0,
    create: creates,
    exclusive: (openFlags & OpenFlag.exclusive) !== 0,
    truncate: (openFlags & OpenFlag.truncate) !== 0,
  });
  return { kind: 'file', file, position: 0, ...given, rights, inheriting: 0 };
}

function folderDescriptor(folder: WasiFolder, given: Given): FolderDescriptor {
  const rights = given.rights & FOLDER_RIGHTS;
  const flags = given.flags & ~DescriptorFlag.append;
  return {
    kind: 'folder',
    folder,
    preopen: undefined,
    listing: undefined,
    ...given,
    rights,
    flags,
  };
}
