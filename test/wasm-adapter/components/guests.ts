import { mkdtempSync, rmSync } from 'node:fs';
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
import { fixture } from '../../helpers/fixture.js';

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

/** A resource, which jco's types do not declare to be what it is. */
export function disposable<R extends object>(resource: R): R & Disposable {
  return resource as R & Disposable;
}
