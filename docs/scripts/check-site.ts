import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Follows each link and picture of a built site that stays within it, to the very heading. Throws an
 * Error that lists those that lead nowhere.
 */
export function checkSite(dist: string): { pages: number; links: number } {
  const base = process.env.DOCS_BASE ?? '/';
  const files = globSync('**/*.html', { cwd: dist });
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (file: string) => {
    const known = anchors.get(file) ?? new Set(idsIn(readFileSync(join(dist, file), 'utf8')));
    anchors.set(file, known);
    return known;
  };
  const dead = new Set<string>();
  let links = 0;
  for (const file of files) {
    const html = readFileSync(join(dist, file), 'utf8');
    for (const [, target = ''] of html.matchAll(/<(?:a|img)\b[^>]* (?:href|src)="([^"]*)"/g)) {
      if (/^[a-z]+:|^\/\//.test(target) || target === '') continue;
      links++;
      const [path = '', hash] = decodeURI(target.replaceAll('&amp;', '&')).split('#');
      const to = path === '' ? file : fileAt(dist, path, dirname(file), base);
      if (to === undefined) dead.add(`${file}: ${target}`);
      else if (hash && to.endsWith('.html') && !anchorsOf(to).has(hash)) {
        dead.add(`${file}: ${target}`);
      }
    }
  }
  if (files.length < 100 || links < 1_000) throw new Error('docs: the site is not whole');
  if (dead.size > 0) throw new Error(`docs: dead links:\n  ${[...dead].join('\n  ')}`);
  return { pages: files.length, links };
}

function idsIn(html: string): string[] {
  return Array.from(html.matchAll(/ id="([^"]*)"/g), ([, id = '']) => id);
}

/** The file that a server of files has at an address. */
function fileAt(dist: string, path: string, from: string, base: string): string | undefined {
  const absolute = path.startsWith('/');
  if (absolute && !path.startsWith(base)) return undefined;
  const at = absolute ? path.slice(base.length) : join(from, path);
  const candidates = [at, `${at}.html`, join(at, 'index.html')];
  return candidates.find((it) => existsSync(join(dist, it)) && statSync(join(dist, it)).isFile());
}
