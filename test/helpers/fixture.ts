import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a file in test/fixtures. */
export function fixturePath(name: string): string {
  return join(import.meta.dirname, '../fixtures', name);
}

/** The bytes of a file in test/fixtures. */
export function fixture(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(fixturePath(name)));
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
