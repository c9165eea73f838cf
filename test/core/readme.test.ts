import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { testSnippets } from '../helpers/snippets.js';

const readme = new URL('../../packages/core/README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');

await testSnippets(readme);

test('each test that the README names as a proof is there', () => {
  const folder = new URL('.', import.meta.url);
  const sources = Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => [
        name.replace(/\.test\.ts$/, ''),
        readFileSync(new URL(name, folder), 'utf8'),
      ]),
  );
  const proofs = [...text.matchAll(/\[`([\w/-]+)`\]\([^)]*\): ([^|]+?) *\|/g)];
  expect(proofs.length).toBeGreaterThan(40);
  for (const [, file = '', name = ''] of proofs) {
    expect(Object.keys(sources)).toContain(file);
    for (const title of name.split('; ')) expect(sources[file]).toContain(title);
  }
});
