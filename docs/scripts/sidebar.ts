import { existsSync, readFileSync } from 'node:fs';
import type { DefaultTheme } from 'vitepress';
import { type Entry, navigation, pages, REFERENCE } from './pages.ts';
import { read } from './repository.ts';

/** All pages, in the order in which they are listed. */
const groups: Readonly<Record<string, readonly string[]>> = {
  Start: ['index', 'getting-started', 'resetting', 'lending', 'options', 'errors'],
  'Kinds of pools': ['threads', 'components', 'commands', 'http', 'budgets', 'prepared-copies'],
  'Instances and their world': ['guard', 'wasi', 'loaders', 'async-host-functions'],
  'In production': [
    'frameworks',
    'scaling-out',
    'operations',
    'performance',
    'security',
    'bundlers',
    'troubleshooting',
  ],
  'Coming from': [
    'from-your-language',
    'from-an-instance-per-request',
    'from-generic-pool',
    'from-wazero-pool',
  ],
  Packages: ['wasm-adapter', 'core'],
  Examples: [...pages.values()].filter((it) => it.startsWith('examples/')).map(nameOf),
  Project: ['changelog', 'security-policy', 'contributing', 'releasing', 'decisions'],
};

function nameOf(page: string): string {
  return page.replace(/\.md$/, '');
}

/** The lists beside pages: of documents, and of the API reference. Throws where a page is in no group. */
export function sidebar(): DefaultTheme.SidebarMulti {
  const titles = new Map([...pages].map(([path, page]) => [nameOf(page), titleOf(path, page)]));
  const listed = new Set(Object.values(groups).flat());
  const lost = [...titles.keys()].filter((name) => !listed.has(name));
  const missing = [...listed].filter((name) => !titles.has(name));
  if (lost.length + missing.length > 0) {
    throw new Error(
      `docs/scripts/sidebar.ts: in no group: ${lost.join(', ') || 'none'}; no page: ${missing.join(', ') || 'none'}`,
    );
  }
  return {
    '/': Object.entries(groups).map(([text, names]) => ({
      text,
      items: names.map((name) => ({
        text: titles.get(name) ?? name,
        link: `/${name === 'index' ? '' : name}`,
      })),
    })),
    [`/${REFERENCE}/`]: reference(),
  };
}

function titleOf(path: string, page: string): string {
  if (page === 'index.md') return 'What it is';
  if (page.startsWith('examples/')) return path.split('/')[1] ?? page;
  return /^# (.*)$/m.exec(read(path))?.[1] ?? page;
}

/** One group for each entry of a package. */
function reference(): DefaultTheme.SidebarItem[] {
  if (!existsSync(navigation)) return [];
  const items = (entries: readonly Entry[]): DefaultTheme.SidebarItem[] =>
    entries.map(({ title, path, children }) => ({
      text: title,
      ...(path !== undefined && { link: `/${REFERENCE}/${path.replace(/(index)?\.md$/, '')}` }),
      ...(children !== undefined && { items: items(children), collapsed: true }),
    }));
  const modules: Entry[] = JSON.parse(readFileSync(navigation, 'utf8'));
  return items(
    modules
      .map(({ title, ...more }) => ({ ...more, title: title.replace('@wasm-pool/', '') }))
      .sort((a, b) => a.title.localeCompare(b.title)),
  );
}
