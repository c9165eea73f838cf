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

/** The cells of the table, row by row; the first is its head. */
function cells(): string[][] {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const section = readme.split('\n## Runs on\n')[1]?.split('\n## ')[0] ?? '';
  return Array.from(section.matchAll(/^\| (.*) \|$/gm), ([, row = '']) =>
    row.split('|').map((it) => it.trim()),
  );
}

/** The cells of a platform's row, by their columns; undefined where it has none. */
function rowIn(name: string): Record<string, string> | undefined {
  const [head = [], ...rows] = cells();
  const row = rows.find(([it]) => it === name);
  return row && Object.fromEntries(head.slice(1).map((column, at) => [column, row[at + 1] ?? '']));
}

/** The rows that are about none of these platforms. */
export function untestedRows(platforms: readonly string[]): string[] {
  const tested = new Set(platforms.map(rowOf));
  return cells()
    .slice(2) // behind the head and its line
    .map(([name = '']) => name)
    .filter((name) => !tested.has(name));
}

/** What the table claims of a platform, and is not so: a line for each. Empty where it has no row. */
export function wrongInTable(platform: string, results: Results): string[] {
  if (platform.endsWith('empty project')) return []; // without jco, which is said beneath the table
  const row = rowIn(rowOf(platform));
  if (row === undefined) return [];
  return Object.entries(columns).flatMap(([column, checks]) => {
    const works = checks.every((check) => results[check] === 'ok');
    const [claim] = (row[column] ?? 'nothing').split(' ');
    const claimed = works ? 'yes' : 'no';
    return claim === claimed ? [] : [`README, ${column}: it says ${claim}, and it is ${claimed}`];
  });
}
