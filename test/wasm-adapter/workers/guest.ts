import { wat } from '../../helpers/wat.js';

/** The module of these tests. */
export const guest = wat(`(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "long") (result i64) (i64.const 0x1_0000_0000))
  (func (export "toString") (result i32) (i32.const 42))
  (func (export "trap") (unreachable))
  (func (export "spin") (loop $again (br $again))))`);

/** Its exports. */
export interface Guest {
  memory: WebAssembly.Memory;
  add(a: number, b: number): number;
  count(): number;
  peek(at: number): number;
  poke(at: number, value: number): void;
  grow(pages: number): number;
  long(): bigint;
  trap(): void;
  spin(): void;
}
