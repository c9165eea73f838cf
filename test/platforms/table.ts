// The table "Runs on" of the README, compared with what the program found.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check, Results } from './program/checks.ts';

/** What a column is about. */
const columns: Readonly<Record<string, readonly Check[]>> = {
  core: ['core', 'contract'],
  modules: ['modules'],
  restore: ['restore', 'restoreInPlace', 'contractRestored'],
  JSPI: ['jspi'],
  WASI: ['wasi'],
  'host folders': ['folders'],
  threads: ['exportsOnThreads', 'threads', 'preparedThreads', 'contractOnThreads'],
  components: ['components'],
  transpiling: ['transpiling'],
};

/** The platform's name in the table: without how the program was loaded, its flags and its exact version. */
const rowOf = (platform: string) =>
  platform
    .replace(/^(Node\.js \d+), .*$/, '$1')
    .replace(/^Node\.js 22$/, 'Node.js 22.12')
    .replace(/^workerd.*$/, 'workerd (Cloudflare)');

/** The cells of the row, by their columns; undefined where the platform has no row. */
function rowIn(readme: string, name: string): Record<string, string> | undefined {
  const section = readme.split('\n## Runs on\n')[1]?.split('\n## ')[0] ?? '';
  const rows = Array.from(section.matchAll(/^\| (.*) \|$/gm), ([, cells = '']) =>
    cells.split('|').map((it) => it.trim()),
  );
  const [head = []] = rows;
  const row = rows.find(([it]) => it === name);
  return row && Object.fromEntries(head.slice(1).map((column, at) => [column, row[at + 1] ?? '']));
}

/** What the table claims of a platform, and is not so: a line for each. Empty where it has no row. */
export function wrongInTable(platform: string, results: Results): string[] {
  if (platform.endsWith('empty project')) return []; // without jco, which is said beneath the table
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const row = rowIn(readme, rowOf(platform));
  if (row === undefined) return [];
  return Object.entries(columns).flatMap(([column, checks]) => {
    const works = checks.every((check) => results[check] === 'ok');
    const [claim] = (row[column] ?? 'nothing').split(' ');
    const claimed = works ? 'yes' : 'no';
    return claim === claimed ? [] : [`README, ${column}: it says ${claim}, and it is ${claimed}`];
  });
}
