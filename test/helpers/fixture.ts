import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** The path of a file in test/fixtures. */
export function fixturePath(name: string): string {
  return join(import.meta.dirname, '../fixtures', name);
}

/** The bytes of a file in test/fixtures; of one that is large they are there compressed. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  const path = fixturePath(name);
  if (existsSync(path)) return new Uint8Array(readFileSync(path));
  return new Uint8Array(brotliDecompressSync(readFileSync(`${path}.br`)));
}

/** The exports of guest.c. */
export interface Guest {
  memory: WebAssembly.Memory;
  __stack_pointer: WebAssembly.Global<'i32'>;
  ask(value: number): number;
  damage(): number;
  bump(): number;
  recurse(depth: number): number;
  leak(): number;
  trap(): void;
}

/** The exports of `ADD`. */
export interface Add {
  add(a: number, b: number): number;
}

/** The smallest module that does something. */
export const ADD = `(module
  (func (export "add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1))))`;
