import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fixture, fixturePath } from '../../helpers/fixture.js';

const built: Record<string, Record<string, string>> = JSON.parse(
  Buffer.from(fixture('components/built.json')).toString(),
);
const hash = (name: string) =>
  createHash('sha256')
    .update(fixture(`components/${name}`))
    .digest('hex');

describe('a committed component', () => {
  test.each(Object.entries(built))(
    '%s was built from the sources that are here',
    (binary, files) => {
      const now = Object.fromEntries(Object.keys(files).map((name) => [name, hash(name)]));
      const note = `${binary} is older: run node test/fixtures/components/build.ts`;
      expect(now, note).toEqual(files);
    },
  );

  test('is listed in built.json', () => {
    const names = readdirSync(fixturePath('components')).filter((name) => name.endsWith('.wasm'));
    const here = Object.keys(built).filter((name) => !name.startsWith('../'));
    expect(names.sort()).toEqual(here.sort());
  });
});
