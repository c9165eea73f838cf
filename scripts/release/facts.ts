import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What only the owner of the repository can name, in package.json at the root. */
export interface Facts {
  /** `{ type, url }`, as npm has it; undefined: nobody has named it yet. */
  readonly repository?: { readonly type: 'git'; readonly url: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
  /** Where the repository can be seen, without a slash at its end. */
  readonly url?: string;
}

/** Reads them. `homepage` and `bugs` follow from a repository on a forge, unless they are there. */
export function readFacts(root: string): Facts {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    repository?: string | { url: string };
    homepage?: string;
    bugs?: string | { url: string };
  };
  const { repository, homepage, bugs } = manifest;
  if (repository === undefined) return homepage === undefined ? {} : { homepage };
  const given = typeof repository === 'string' ? repository : repository.url;
  const url = given
    .replace(/^git\+/, '')
    .replace(/^github:/, 'https://github.com/')
    .replace(/(\.git)?\/?$/, '');
  return {
    url,
    repository: { type: 'git', url: `git+${url}.git` },
    homepage: homepage ?? `${url}#readme`,
    bugs: { url: (typeof bugs === 'string' ? bugs : bugs?.url) ?? `${url}/issues` },
  };
}
