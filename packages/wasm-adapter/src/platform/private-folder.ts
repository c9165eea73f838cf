import { builtin } from './builtin.js';

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Why others than this user and the system's could write a file into a folder, or replace the folder or
 * one above it; undefined where they cannot. Rejects where there is no such folder.
 *
 * A folder that all may write to, but where nobody can move what is another's (the sticky bit, as of
 * /tmp), may be above it. Where the platform has no users with numbers (Windows), nothing is known,
 * and nothing is said: folders of a user's profile are that user's own there.
 */
export async function whyNotPrivate(folder: string): Promise<string | undefined> {
  const { realpath } = builtin('node:fs/promises', `looking at ${folder}`);
  const { dirname } = builtin('node:path', `looking at ${folder}`);
  const real = await realpath(folder);
  const own = await whyWritable(real, false);
  if (own !== undefined) return own;
  for (let it = real; it !== dirname(it); it = dirname(it)) {
    const why = await whyWritable(dirname(it), true);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The same for a file that is in such a folder: it may have been put there before. */
export async function whyFileNotPrivate(path: string): Promise<string | undefined> {
  return whyWritable(path, false);
}

async function whyWritable(path: string, isAbove: boolean): Promise<string | undefined> {
  const { lstat } = builtin('node:fs/promises', `looking at ${path}`);
  const me = process.geteuid?.();
  const { uid, mode } = await lstat(path);
  if (me === undefined) return undefined;
  if (uid !== me && uid !== ROOT) return `${path} belongs to the user ${uid}`;
  if ((mode & WRITABLE_BY_OTHERS) === 0) return undefined;
  if (isAbove && (mode & STICKY) !== 0) return undefined;
  return `${path} can be written by others (mode ${(mode & 0o7777).toString(8)})`;
}
