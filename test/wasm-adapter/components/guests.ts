import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ComponentImports,
  createWasmPool,
  type WasmPool,
  type WasmPoolOptions,
} from '@wasm-pool/wasm-adapter';
import { afterAll } from 'vitest';
import type { ImportObject, Root } from '../../fixtures/components/types/guest.js';
import { fixture, fixturePath } from '../fixture.js';

/** The exports of guest.wit. */
export type Guest = Root;

/** The component in C. */
export const guest = fixture('components/guest.wasm');

/** A folder for transpiled components that is there for one test file. */
export const cache = mkdtempSync(join(tmpdir(), 'wasm-pool-components-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** What a host that thinks nothing of it does. */
export function host(): ComponentImports<ImportObject> {
  return {
    'test:guest/host@1.0.0': {
      log() {},
      lookUp: (key) => key.length,
      measure: ({ x, y }) => Math.round(Math.hypot(x, y)),
    },
  };
}

/** A pool of the component in C. */
export function guestPool(
  options: WasmPoolOptions<Guest, never> = {},
): Promise<WasmPool<Guest, never>> {
  return createWasmPool(guest, {
    name: 'guest',
    imports: host(),
    component: { cache },
    ...options,
  });
}

/** A world of a WIT file in test/fixtures/components, in JavaScript, with QuickJS inside: some 1.5 MB. */
export function jsComponent(wit: string, world: string, code: string): Uint8Array<ArrayBuffer> {
  const key = createHash('sha256')
    .update(JSON.stringify([wit, world, code]))
    .digest('hex');
  const source = join(cache, `${key}.js`);
  const binary = join(cache, `${key}.wasm`);
  writeFileSync(source, code);
  const jco = join(import.meta.dirname, '../../node_modules/.bin/jco');
  const options = ['--backend', 'qjs', '--wit', fixturePath(`components/${wit}`)];
  execFileSync(jco, ['componentize', source, ...options, '-n', world, '-o', binary]);
  return new Uint8Array(readFileSync(binary));
}

/** A resource, which jco's types do not declare to be what it is. */
export function disposable<R extends object>(resource: R): R & Disposable {
  return resource as R & Disposable;
}
