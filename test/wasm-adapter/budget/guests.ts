import type { WasmPoolFactory, WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { expect } from 'vitest';
import { wat } from '../../helpers/wat.js';

export const PAGE = 65_536;

export interface Sized {
  grow(pages: number): number;
}

/** A module of so many pages of private memory; `variant` tells modules of one size apart. */
export function sized(pages: number, variant = 0): Uint8Array<ArrayBuffer> {
  return wat(`(module (memory ${pages}) (global i32 (i32.const ${variant}))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`);
}

export function make(
  factory: WasmPoolFactory,
  name: string,
  pages: number,
  options: WasmPoolOptions<Sized> = {},
) {
  return factory.create<Sized>(sized(pages), { name, ...options });
}

/** Nobody has anything, and all that there is fits. */
export function expectWithin(factory: WasmPoolFactory): void {
  const { memoryBytes, instances, maxTotalMemoryBytes, maxInstances, pools } = factory.stats();
  if (maxTotalMemoryBytes > 0) expect(memoryBytes).toBeLessThanOrEqual(maxTotalMemoryBytes);
  if (maxInstances > 0) expect(instances).toBeLessThanOrEqual(maxInstances);
  for (const { borrowed, pending } of pools)
    expect({ borrowed, pending }).toEqual({ borrowed: 0, pending: 0 });
}
