import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fixture, fixturePath } from '../helpers/fixture.js';

interface Built {
  source: string;
  sourceHash: string;
  binaryHash: string;
}

const built: Record<string, Built> = JSON.parse(Buffer.from(fixture('built.json')).toString());
const hash = (name: string) => createHash('sha256').update(fixture(name)).digest('hex');

describe('a committed guest', () => {
  test.each(Object.entries(built))('%s was built from the source that is here', (binary, made) => {
    const note = `${binary} is older than ${made.source}: run node test/fixtures/build.ts`;
    expect(hash(made.source), note).toBe(made.sourceHash);
    expect(hash(binary), note).toBe(made.binaryHash);
  });

  test.each(Object.keys(built))('%s is a module that this V8 accepts', (binary) => {
    expect(WebAssembly.validate(fixture(binary))).toBe(true);
  });

  test('is listed in built.json', () => {
    const names = readdirSync(fixturePath('.')).map((name) => name.replace(/\.br$/, ''));
    const binaries = names.filter((name) => name.endsWith('.wasm'));
    expect(binaries.sort()).toEqual(Object.keys(built).sort());
  });
});
