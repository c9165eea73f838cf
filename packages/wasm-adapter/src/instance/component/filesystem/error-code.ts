import { Errno, errnoOf } from '../../wasi/errno.js';

/** The cases of `error-code` of `wasi:filesystem/types`, by the error numbers of preview 1. */
const cases = new Map<number, string>([
  [Errno.access, 'access'],
  [Errno.again, 'would-block'],
  [Errno.badDescriptor, 'bad-descriptor'],
  [Errno.busy, 'busy'],
  [Errno.exists, 'exist'],
  [Errno.fileTooBig, 'file-too-large'],
  [Errno.illegalSequence, 'illegal-byte-sequence'],
  [Errno.invalid, 'invalid'],
  [Errno.isFolder, 'is-directory'],
  [Errno.loop, 'loop'],
  [Errno.nameTooLong, 'name-too-long'],
  [Errno.noMemory, 'insufficient-memory'],
  [Errno.noSpace, 'insufficient-space'],
  [Errno.notCapable, 'not-permitted'],
  [Errno.notEmpty, 'not-empty'],
  [Errno.notFolder, 'not-directory'],
  [Errno.notPermitted, 'not-permitted'],
  [Errno.notSeekable, 'invalid-seek'],
  [Errno.notSupported, 'unsupported'],
  [Errno.notThere, 'no-entry'],
  [Errno.brokenPipe, 'pipe'],
  [Errno.crossDevice, 'cross-device'],
  [Errno.readOnly, 'read-only'],
]);

/** The case for what a file of the host threw. What is no error of a file is thrown on. */
export function errorCodeOf(error: unknown): string {
  return cases.get(errnoOf(error)) ?? 'io';
}
