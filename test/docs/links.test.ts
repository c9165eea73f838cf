import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = globSync('**/*.md', {
  cwd: root,
  exclude: (name) => /(^|\/)(node_modules|dist|generated|\.[^/]+)$/.test(name),
}).sort();
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');

/** A document's text without its code, in which `[a](b)` is no link. */
const proseOf = (path: string) =>
  textOf(path)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '``');

/** What GitHub makes of a heading, to link to it. */
function anchorsOf(path: string): string[] {
  const seen = new Map<string, number>();
  const text = textOf(path).replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = '']) => {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

describe.each(documents)('%s', (path) => {
  const prose = proseOf(path);
  const targets = [
    ...prose.matchAll(/\]\(([^()\s]+)\)/g),
    ...prose.matchAll(/^\[[^\]]+\]: (\S+)$/gm),
  ].map(([, target = '']) => target);

  test('links only to files and headings that exist', () => {
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(root, to))) return true;
      return anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  test('names only documents that exist', () => {
    const named = [...textOf(path).matchAll(/(?<![\w./-])((?:[\w-]+\/)*[\w-]+\.md)\b/g)];
    const missing = named
      .map(([, name = '']) => name)
      .filter(
        (name) => ![dirname(path), '.', 'docs'].some((it) => existsSync(join(root, it, name))),
      );
    expect(missing).toEqual([]);
  });
});

test('each page of docs can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const path of reached) {
    for (const [, target = ''] of proseOf(path).matchAll(/\]\(([^()\s#]+\.md)[^()\s]*\)/g)) {
      const to = normalize(join(dirname(path), target));
      if (!/^[a-z]+:/.test(target) && existsSync(join(root, to))) reached.add(to);
    }
  }
  const pages = documents.filter((path) => path.startsWith('docs/'));
  expect(pages.filter((path) => !reached.has(path))).toEqual([]);
});
