import { parse } from '@bytecodealliance/jco';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { cache, guestPool } from './guests.js';

/** Two core instances, each with private state, and no resources: all there is of it can be put back. */
const notes = await parse(`(component
  (core module $main
    (memory (export "memory") 1) (global $bumps (mut i32) (i32.const 0))
    (func (export "bump") (result i32)
      (global.set $bumps (i32.add (global.get $bumps) (i32.const 1)))
      (i32.store (i32.const 8) (global.get $bumps))
      (global.get $bumps))
    (func (export "read") (result i32) (i32.load (i32.const 8)))
    (func (export "grow") (result i32) (memory.grow (i32.const 1))))
  (core module $other
    (global $bumps (mut i32) (i32.const 100))
    (func (export "bump") (result i32)
      (global.set $bumps (i32.add (global.get $bumps) (i32.const 1)))
      (global.get $bumps)))
  (core instance $one (instantiate $main))
  (core instance $two (instantiate $other))
  (func (export "bump") (result u32) (canon lift (core func $one "bump")))
  (func (export "read") (result u32) (canon lift (core func $one "read")))
  (func (export "grow") (result u32) (canon lift (core func $one "grow")))
  (func (export "other") (result u32) (canon lift (core func $two "bump"))))`);

interface Notes {
  bump(): number;
  read(): number;
  grow(): number;
  other(): number;
}

const touch = ({ bump, read, other }: Notes) => [read(), bump(), bump(), read(), other()];

describe('between two borrowers of a component', () => {
  test("'reuse' leaves what the last one left", async () => {
    await using pool = await createWasmPool<Notes>(notes, { max: 1, component: { cache } });
    expect(await pool.use(({ exports }) => touch(exports))).toEqual([0, 1, 2, 2, 101]);
    expect(await pool.use(({ exports }) => touch(exports))).toEqual([2, 3, 4, 4, 102]);
  });

  test("'restore' puts back the state of all core instances", async () => {
    await using pool = await createWasmPool<Notes>(notes, {
      max: 1,
      reset: 'restore',
      onCreate: ({ exports }) => exports.bump(),
      component: { cache },
    });
    expect(pool.restoreBlockers).toEqual([]);
    for (let round = 0; round < 3; round++) {
      expect(await pool.use(({ exports }) => touch(exports))).toEqual([1, 2, 3, 3, 101]);
    }
    expect(pool.stats()).toMatchObject({ created: 1, destroyedBy: {} });
    await pool.use(({ exports }) => exports.grow());
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 1 });
    expectAtRest(pool);
  });

  test("'restore' says at creation why it replaces those with resources, and does", async () => {
    await using pool = await guestPool({ max: 1, reset: 'restore' });
    expect(pool.restoreBlockers).toEqual([
      'resources or async functions: jco keeps their handles and tasks in JavaScript',
    ]);
    expect(await pool.use(({ exports }) => exports.faults.bump())).toBe(1);
    expect(await pool.use(({ exports }) => exports.faults.bump())).toBe(1);
    expect(pool.stats().destroyedBy).toEqual({ unrestorable: 2 });
  });

  test("'fresh' lends an instance that nobody used", async () => {
    await using pool = await guestPool({ max: 2, reset: 'fresh' });
    for (let round = 0; round < 3; round++) {
      expect(await pool.use(({ exports }) => exports.faults.bump())).toBe(1);
    }
    expect(pool.stats().destroyedBy).toEqual({ used: 3 });
  });
});
