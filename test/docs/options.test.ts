import { createPool } from '@wasm-pool/core';
import {
  createWasmPool,
  createWasmPoolFactory,
  createWasmWorkerPool,
} from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { rowsOf } from '../helpers/tables.js';
import { wat } from '../helpers/wat.js';

const page = new URL('../../docs/options.md', import.meta.url);
const everyPool = rowsOf(page, 'Of every pool');
const wasmPools = rowsOf(page, 'Of pools of WebAssembly instances');

/** The options that a function accepts, by the error that it throws for one that does not exist. */
async function declared(make: (options: object) => unknown): Promise<string[]> {
  let message = '';
  try {
    await make({ noSuchOption: true });
  } catch (error) {
    message = (error as Error).message;
  }
  const [, names] = /unknown option noSuchOption; accepted: (.*)$/.exec(message) ?? [];
  if (names === undefined) throw new Error(`no list of options in "${message}"`);
  return names.split(', ').sort();
}

/** The options that the tables have for a function: those without a dash in its column. */
function documented(column: string): string[] {
  const rows = [...everyPool, ...wasmPools].filter((row) => column in row && row[column] !== '—');
  return rows.map((row) => row.option ?? '').sort();
}

const module = wat('(module)');
const factory = { create: () => ({}), destroy() {} };

test.each<[string, (options: object) => unknown]>([
  ['createPool', (options) => createPool(factory, options)],
  ['createWasmPool', (options) => createWasmPool(module, options)],
  ['createWasmWorkerPool', (options) => createWasmWorkerPool(module, options)],
])('docs/options.md has each option of %s, and no other', async (name, make) => {
  const [accepted, listed] = [await declared(make), documented(name)];
  const lacks = accepted.filter((option) => !listed.includes(option));
  const stale = listed.filter((option) => !accepted.includes(option));
  expect
    .soft(lacks, `add a row for each of these to docs/options.md, with its default for ${name}`)
    .toEqual([]);
  expect
    .soft(stale, `${name} does not accept these: take their rows out of docs/options.md, or put —`)
    .toEqual([]);
});

test.each<[string, (options: object) => unknown]>([
  ['Of `component`', (options) => createWasmPool(module, { component: options })],
  ['Of `limits`', (options) => createWasmPool(module, { limits: options })],
  ['Of `createWasmPoolFactory`', (options) => createWasmPoolFactory(options)],
])('docs/options.md has each option below "%s", and no other', async (heading, make) => {
  const listed = rowsOf(page, heading).map((row) => row.option ?? '');
  expect(listed.sort(), `the rows of docs/options.md below "${heading}"`).toEqual(
    await declared(make),
  );
});

test('createWasmPool and the method create of a pool factory take the same options', async () => {
  await using pools = createWasmPoolFactory();
  expect(await declared((options) => pools.create(module, options))).toEqual(
    await declared((options) => createWasmPool(module, options)),
  );
});

test('each option in docs/options.md has a default and a meaning', () => {
  for (const row of [...everyPool, ...wasmPools]) {
    for (const [column, cell] of Object.entries(row)) {
      expect(cell, `${row.option}, column ${column}`).not.toBe('');
    }
  }
});
