import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { read, root } from './repository.ts';

/** What the site has beside `docs/*.md`, made anew by each build; not committed. */
export const generated = join(root, 'docs/generated');

/** A place in the list of the API reference, as the page beside it shows it. */
export interface Entry {
  readonly title: string;
  readonly path?: string;
  readonly children?: readonly Entry[];
}

/** The folder of the reference, within the generated pages. */
export const REFERENCE = 'api';
/** The list of its pages: an `Entry` for each module. */
export const navigation = join(generated, 'api.json');

/** Documents from elsewhere in the repository that are pages too: their addresses, by their paths. */
const elsewhere: Readonly<Record<string, string>> = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security-policy.md',
  'packages/core/README.md': 'core.md',
  'packages/wasm-adapter/README.md': 'wasm-adapter.md',
  ...Object.fromEntries(
    globSync('examples/*/README.md', { cwd: root }).map((path) => [
      path,
      path.replace('/README.md', '.md'),
    ]),
  ),
};

/** The page of each document: `getting-started.md` by `docs/getting-started.md`, for example. */
export const pages: ReadonlyMap<string, string> = new Map([
  ...globSync('docs/*.md', { cwd: root }).map((path) => [path, path.slice(5)] as const),
  ...Object.entries(elsewhere),
]);

/** The document that a page is made of; undefined for one of the API reference. */
export function documentOf(page: string): string | undefined {
  for (const [document, its] of pages) if (its === page) return document;
  return undefined;
}

/** The page of a document, or of a folder whose README is one. */
export function pageOf(path: string): string | undefined {
  return pages.get(path) ?? pages.get(path === '' ? 'README.md' : `${path}/README.md`);
}

/** Puts the documents from elsewhere where the site finds them. */
export function copyDocuments(): void {
  rmSync(generated, { recursive: true, force: true });
  for (const [path, page] of Object.entries(elsewhere)) {
    const text = read(path);
    mkdirSync(dirname(join(generated, page)), { recursive: true });
    writeFileSync(join(generated, page), path.startsWith('examples/') ? titled(path, text) : text);
  }
}

/** An example's README begins with the line that says what it shows; its name becomes the heading. */
function titled(path: string, text: string): string {
  return `# ${path.split('/')[1]}\n\n${text}`;
}
