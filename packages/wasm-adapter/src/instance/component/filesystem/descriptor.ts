import { resultError } from '../../../component/jco-code.js';
import { errorCodeOf } from './error-code.js';
import type {
  DescriptorFlags,
  NewTimestamp,
  Opened,
  OpenFlags,
  PathFlags,
  Stat,
} from './opened.js';

/** How a preview of WASI writes the name of an enum's case: as it is, or as a variant. */
export type WriteCase = (name: string) => unknown;

/** Calls a function of files. Throws what jco takes for an `error-code`. */
export function withErrorCode<R>(writeCase: WriteCase, work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw resultError(writeCase(errorCodeOf(error)));
  }
}

/**
 * The methods of `wasi:filesystem`'s descriptor that are no streams, as they are in all previews.
 *
 * @param writeCase how enums are written
 * @param run how a method runs: at once, or by a promise
 */
export function descriptorMethods<Descriptor extends object>(
  openedOf: (descriptor: Descriptor) => Opened,
  descriptorOf: (opened: Opened) => Descriptor,
  writeCase: WriteCase,
) {
  const stat = ({ type, ...others }: Stat) => ({ type: writeCase(type), ...others });
  const methods = {
    advise() {},
    syncData: (it: Opened) => it.sync(),
    sync: (it: Opened) => it.sync(),
    getFlags: (it: Opened): DescriptorFlags => it.flags,
    getType: (it: Opened) => writeCase(it.type()),
    setSize: (it: Opened, size: bigint) => it.setSize(size),
    setTimes: (it: Opened, atim: NewTimestamp, mtim: NewTimestamp) => it.setTimes(atim, mtim),
    createDirectoryAt: (it: Opened, path: string) => it.createFolderAt(path),
    stat: (it: Opened) => stat(it.stat()),
    statAt: (it: Opened, flags: PathFlags, path: string) => stat(it.statAt(flags, path)),
    setTimesAt: (
      it: Opened,
      flags: PathFlags,
      path: string,
      atim: NewTimestamp,
      mtim: NewTimestamp,
    ) => it.setTimesAt(flags, path, atim, mtim),
    linkAt: (it: Opened, flags: PathFlags, path: string, to: Descriptor, toPath: string) =>
      it.linkAt(flags, path, openedOf(to), toPath),
    openAt: (it: Opened, at: PathFlags, path: string, how: OpenFlags, flags: DescriptorFlags) =>
      descriptorOf(it.openAt(at, path, how, flags)),
    readlinkAt: (it: Opened, path: string) => it.readLinkAt(path),
    removeDirectoryAt: (it: Opened, path: string) => it.removeFolderAt(path),
    renameAt: (it: Opened, path: string, to: Descriptor, toPath: string) =>
      it.renameAt(path, openedOf(to), toPath),
    symlinkAt: (it: Opened, target: string, path: string) => it.symlinkAt(target, path),
    unlinkFileAt: (it: Opened, path: string) => it.unlinkAt(path),
    isSameObject: (it: Opened, other: Descriptor) => it.isSame(openedOf(other)),
    metadataHash: (it: Opened) => it.hash(),
    metadataHashAt: (it: Opened, flags: PathFlags, path: string) => it.hashAt(flags, path),
  };
  return methods;
}

type Method = (it: Opened, ...args: never[]) => unknown;

/** Gives a class of descriptors its methods. */
export function addMethods<Descriptor extends object>(
  prototype: Descriptor,
  methods: Readonly<Record<string, Method>>,
  openedOf: (descriptor: Descriptor) => Opened,
  run: (work: () => unknown) => unknown,
): void {
  for (const [name, method] of Object.entries(methods)) {
    const value = function (this: Descriptor, ...args: unknown[]) {
      return run(() => method(openedOf(this), ...(args as never[])));
    };
    Object.defineProperty(prototype, name, { value });
  }
}
