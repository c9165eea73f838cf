import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { HttpAnswer } from '@wasm-pool/core';
import type { WasmErrorCode } from '@wasm-pool/wasm-adapter';
import { expect, test } from 'vitest';
import { rowsOf } from '../helpers/tables.js';

type Adapter = typeof import('@wasm-pool/wasm-adapter');

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

test('docs/troubleshooting.md says for each code what to do about it', () => {
  const rows = rowsOf(new URL('../../docs/troubleshooting.md', import.meta.url), 'By error code');
  expect(rows.map((row) => row.code ?? '').sort()).toEqual(column('Codes', 'code'));
  for (const row of rows) expect(row['what to do']?.length, row.code).toBeGreaterThan(20);
});

test('each code in docs/errors.md has a class that a package exports, and says when', async () => {
  const classes = new Set(Object.keys(await import('@wasm-pool/wasm-adapter')));
  for (const row of rowsOf(page, 'Codes')) {
    expect(classes, `the class of ${row.code}`).toContain(row.class);
    expect(row.when, `when ${row.code} is thrown`).not.toBe('');
  }
});

/** One error of each class that says by itself what to answer. */
const poolErrors = (classes: Adapter): HttpAnswer[] => {
  const state = { name: '', max: 0, min: 0, size: 0, available: 0, borrowed: 0, pending: 0 };
  const counters = { ...state, creating: 0 };
  return [
    new classes.AcquireTimeoutError(1, counters),
    new classes.QueueFullError(1, counters),
    new classes.CreateError(new Error(''), counters),
    new classes.DestroyError(new Error(''), counters),
    new classes.FactoryTimeoutError('', '', 1, counters),
    new classes.NotBorrowedError(counters),
    new classes.PoolClosedError('closed', counters),
    new classes.PoolEmptyError(counters, ''),
  ];
};

test('docs/errors.md has the status of each error, and whether it is retryable', async () => {
  const classes = await import('@wasm-pool/wasm-adapter');
  const pool = poolErrors(classes) as (HttpAnswer & { code: string })[];
  for (const { code, status = '', retryable = '' } of rowsOf(page, 'Codes')) {
    if (code === 'ERR_POOL_OPTION') continue; // a TypeError, of a program and not of a request
    const error =
      pool.find((it) => it.code === code) ?? new classes.WasmError(code as WasmErrorCode, '');
    expect(Number.parseInt(status, 10), `the status of ${code}`).toBe(error.statusCode);
    expect(retryable.startsWith('yes'), `whether ${code} is retryable`).toBe(error.retryable);
  }
});

/** The members of core's `DestroyReason`. */
function reasonsOfCore(): string[] {
  const text = readFileSync(`${root}packages/core/src/factory.ts`, 'utf8');
  const [, union = ''] = /export type DestroyReason =([\s\S]*?);/.exec(text) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, reason = '']) => reason);
}

/** The reasons that the adapter gives: in verdicts, and where it evicts or ends something itself. */
function reasonsOfAdapter(): string[] {
  const everywhere = [
    /\bevict\([^;]*?'(\w+)'\)/g,
    /\bunfit\('(\w+)'/g,
    /#(?:stop|lose)\((?:\w+, )?'(\w+)'/g,
    /#restore\(\w+, '(\w+)'\)/g,
    /\bverdict = '(\w+)'/g,
    /\bverdict \?\? '(\w+)'/g,
  ];
  const inJudges = /\breturn '([a-z]\w*)';/g;
  const found = globSync('packages/wasm-adapter/src/**/*.ts', { cwd: root }).flatMap((path) => {
    const text = readFileSync(`${root}${path}`, 'utf8');
    const patterns = /: Judgement\b/.test(text) ? [...everywhere, inJudges] : everywhere;
    return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, it = '']) => it));
  });
  return [...new Set(found)];
}

test('docs/errors.md has each reason to destroy, once, and no other', () => {
  const adapter = reasonsOfAdapter();
  expect(adapter.length).toBeGreaterThan(10);
  expect(
    column('Reasons to destroy', 'reason'),
    'the table of reasons in docs/errors.md: add a row for a new reason, or remove a stale one',
  ).toEqual([...new Set([...reasonsOfCore(), ...adapter])].sort());
});
