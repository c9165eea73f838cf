import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rowsOf } from '../helpers/tables.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = new URL('../../docs/errors.md', import.meta.url);
const sources = globSync('packages/*/src/**/*.ts', { cwd: root }).map((path) =>
  readFileSync(`${root}${path}`, 'utf8'),
);

/** What stands in one column of the table below a heading, sorted. */
function column(heading: string, name: string): string[] {
  return rowsOf(page, heading)
    .map((row) => row[name] ?? '')
    .sort();
}

test('docs/errors.md has each code that the sources throw, once, and no other', () => {
  const thrown = sources.flatMap(
    (text) => text.match(/(?<=')ERR_(?:POOL|WASM)_[A-Z_]+(?=')/g) ?? [],
  );
  expect(
    column('Codes', 'code'),
    'the table of codes in docs/errors.md: add a row for a new code, or remove a stale one',
  ).toEqual([...new Set(thrown)].sort());
});

test('each code in docs/errors.md has a class that a package exports, and says when', async () => {
  const classes = new Set(Object.keys(await import('@wasm-pool/wasm-adapter')));
  for (const row of rowsOf(page, 'Codes')) {
    expect(classes, `the class of ${row.code}`).toContain(row.class);
    expect(row.when, `when ${row.code} is thrown`).not.toBe('');
  }
});
