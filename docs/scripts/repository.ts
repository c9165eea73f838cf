import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readFacts } from '../../scripts/release/facts.ts';

/** The root of the repository. */
export const root = join(import.meta.dirname, '../..');

/** The text of a file of the repository. */
export const read = (path: string) => readFileSync(join(root, path), 'utf8');

/**
 * Where the repository can be seen, without a slash at its end: `repository` in package.json at the root.
 * Undefined while nobody has named it there; links to what is no page of the site are plain text then.
 */
export function repositoryUrl(): string | undefined {
  return readFacts(root).url;
}

/** The address of a file or folder of the repository. Throws an Error where there is none. */
export function addressOf(path: string): string | undefined {
  if (!existsSync(join(root, path))) throw new Error(`there is no ${path} in the repository`);
  const url = repositoryUrl();
  if (url === undefined) return undefined;
  const kind = statSync(join(root, path)).isDirectory() ? 'tree' : 'blob';
  return `${url}/${kind}/HEAD/${path}`;
}
