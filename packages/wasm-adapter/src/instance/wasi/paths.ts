import { Filetype } from './abi.js';
import { Errno, fail, WasiFault } from './errno.js';
import type { WasiFolder } from './files.js';

/** How many links one path may lead through: Linux, path_resolution(7). */
const MAX_LINKS = 40;

/**
 * Where a path ends: a name in a folder. `name` is undefined where the path leads to the folder
 * itself (`.`, or `a/..`). `asFolder`: the path ends in a slash, so what it names has to be a folder.
 */
export interface PathEnd {
  readonly folder: WasiFolder;
  readonly name: string | undefined;
  readonly asFolder: boolean;
}

/**
 * Walks from a folder along a path, one name after the other, and calls `act` with where it ends. No
 * step leads above `base`, be it by `..`, by an absolute path or by a link: ENOTCAPABLE. Folders are
 * walked as they are open, so what others rename meanwhile leads nowhere else. Links on the way are
 * followed; the last one, if any, if `follow`, or if the path ends in a slash and `followSlash`.
 */
export function walk<R>(
  base: WasiFolder,
  path: string,
  follow: boolean,
  act: (end: PathEnd) => R,
  followSlash = true,
): R {
  if (path === '') fail(Errno.notThere);
  const stack: WasiFolder[] = [base];
  const steps = stepsOf(path).reverse(); // the next one last
  let asFolder = endsInFolder(path);
  let links = 0;

  const expand = (folder: WasiFolder, name: string) => {
    if (++links > MAX_LINKS) fail(Errno.loop);
    const target = folder.readLink(name);
    if (target === '') fail(Errno.notThere);
    if (steps.length === 0) asFolder ||= endsInFolder(target);
    steps.push(...stepsOf(target).reverse());
  };

  try {
    for (;;) {
      const folder = stack.at(-1) as WasiFolder;
      const step = steps.pop();
      if (step === undefined) return act({ folder, name: undefined, asFolder: true });
      if (step === '..') {
        if (stack.length === 1) fail(Errno.notCapable);
        stack.pop()?.close();
      } else if (steps.length > 0) {
        const next = enter(folder, step);
        if (next === undefined) expand(folder, step);
        else stack.push(next);
      } else if (
        (follow || (asFolder && followSlash)) &&
        folder.lstat(step)?.type === Filetype.link
      ) {
        expand(folder, step);
      } else {
        return act({ folder, name: step, asFolder });
      }
    }
  } finally {
    for (const folder of stack.slice(1)) folder.close();
  }
}

/** The names of a path, without what stands for no step. ENOTCAPABLE for an absolute one. */
function stepsOf(path: string): string[] {
  if (path.startsWith('/')) fail(Errno.notCapable);
  return path.split('/').filter((step) => step !== '' && step !== '.');
}

function endsInFolder(path: string): boolean {
  return /(^|\/)\.{0,2}$/.test(path);
}

/** The folder of that name; undefined for a link. */
function enter(folder: WasiFolder, name: string): WasiFolder | undefined {
  try {
    return folder.openFolder(name);
  } catch (error) {
    // The system's own error for a link is ENOTDIR or ELOOP, by how it was asked.
    const code = error instanceof WasiFault ? error.errno : codeOf(error);
    const maybeLink: readonly unknown[] = [
      Errno.loop,
      Errno.notFolder,
      'ELOOP',
      'ENOTDIR',
      'EMLINK',
    ];
    if (code === undefined || !maybeLink.includes(code)) throw error;
    if (folder.lstat(name)?.type === Filetype.link) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
