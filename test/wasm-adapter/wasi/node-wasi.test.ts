// node:wasi closes what a guest says, the process's own streams too, and nothing else, ever.
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWasmPool, suspending, type WasmPoolOptions } from '@wasm-pool/wasm-adapter';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectAtRest } from '../../helpers/at-rest.js';
import { failure } from '../../helpers/failure.js';
import { wat } from '../../helpers/wat.js';

interface Guest {
  memory: WebAssembly.Memory;
  close(fd: number): number;
  renumber(from: number, to: number): number;
  setFlags(fd: number, flags: number): number;
  /** The error number of opening `file`, whose descriptor is then at 8. */
  open(): number;
  /** What is read to 100, of up to 50 bytes. */
  read(fd: number): number;
  waitAndOpen(): Promise<number>;
  accept(fd: number): number;
  trap(): void;
}

const PREOPENED = 3;
const [SUCCESS, BAD_DESCRIPTOR, NOT_SOCKET, NOT_SUPPORTED, NOT_CAPABLE] = [0, 8, 57, 58, 76];

const bytes = wat(`(module
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
    (func $setFlags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept"
    (func $accept (param i32 i32 i32) (result i32)))
  (import "host" "wait" (func $wait))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\64\\00\\00\\00\\32\\00\\00\\00") (data (i32.const 50) "file")
  (func (export "close") (param i32) (result i32) (call $close (local.get 0)))
  (func (export "renumber") (param i32 i32) (result i32)
    (call $renumber (local.get 0) (local.get 1)))
  (func (export "setFlags") (param i32 i32) (result i32)
    (call $setFlags (local.get 0) (local.get 1)))
  (func (export "read") (param i32) (result i32)
    (call $read (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)))
  (func $openIt (export "open") (result i32)
    (call $open (i32.const ${PREOPENED}) (i32.const 0) (i32.const 50) (i32.const 4) (i32.const 0)
      (i64.const 10) (i64.const 0) (i32.const 0) (i32.const 8)))
  (func (export "waitAndOpen") (result i32) (call $wait) (call $openIt))
  (func (export "accept") (param i32) (result i32)
    (call $accept (local.get 0) (i32.const 0) (i32.const 8)))
  (func (export "trap") unreachable))`);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wasm-pool-descriptors-'));
  writeFileSync(join(folder, 'file'), 'what the host has');
});
afterEach(() => rmSync(folder, { recursive: true }));

const pooled = (options: WasmPoolOptions<Guest> = {}) =>
  createWasmPool<Guest>(bytes, {
    wasi: () => ({ implementation: 'node', preopens: { '/': folder } }),
    imports: { host: { wait() {} } },
    ...options,
  });

/** The number of a descriptor that the process opens: the lowest that is free. */
function lowestFree(): number {
  const fd = openSync(devNull, 'r');
  closeSync(fd);
  return fd;
}

test('an instance that is not restored names the call that changed what is node:wasi’s', async () => {
  await using pool = await pooled({ reset: 'restore' });
  await pool.use(({ exports }) => [exports.accept(99), exports.open()]);
  const why = 'it called sock_accept of a WASI whose state cannot be put back';
  expect(pool.stats().unrestorableBy).toEqual({ [why]: 1 });
});

describe('a guest that closes a standard stream', () => {
  test.each([0, 1, 2])('%d leaves it to the process, and to other guests', async (fd) => {
    await using pool = await pooled({ min: 2 });
    const [hostile, other] = [await pool.acquire(), await pool.acquire()];
    expect(hostile.exports.close(fd)).toBe(SUCCESS);
    expect(() => fstatSync(fd)).not.toThrow();

    const file = openSync(join(folder, 'file'), 'r'); // what has the number of a closed one
    expect(other.exports.read(0)).toBe(SUCCESS);
    expect(new DataView(other.exports.memory.buffer).getUint32(16, true)).toBe(0); // nothing
    closeSync(file);
    await pool.release(hostile);
    await pool.release(other);
  });

  test.each([
    [PREOPENED, 1],
    [1, PREOPENED],
    [0, 2],
  ])('by putting %d in the place of %d is refused', async (from, to) => {
    await using pool = await pooled();
    expect(await pool.use(({ exports }) => exports.renumber(from, to))).toBe(NOT_SUPPORTED);
    expect(() => fstatSync(1)).not.toThrow();
  });

  test('or would have it not wait is refused', async () => {
    await using pool = await pooled();
    const codes = await pool.use(({ exports }) => [
      exports.setFlags(1, 4),
      exports.open(),
      exports.setFlags(PREOPENED + 1, 0),
      exports.close(99),
      exports.accept(99),
    ]);
    expect(codes).toEqual([NOT_CAPABLE, SUCCESS, SUCCESS, BAD_DESCRIPTOR, NOT_SOCKET]);
  });
});

describe('what an instance has open is closed when it is destroyed', () => {
  test('be it preopened or opened by the guest, and however many of them it closed', async () => {
    await using pool = await pooled({ max: 1 });
    await pool.use(({ exports }) => exports.trap()).catch(() => {});
    const before = lowestFree();
    for (let round = 0; round < 20; round++) {
      const loan = pool.use(({ exports }) => {
        for (let file = 0; file < 30; file++) expect(exports.open()).toBe(SUCCESS);
        for (let fd = PREOPENED; fd < 20; fd += 2) expect(exports.close(fd)).toBe(SUCCESS);
        expect(exports.renumber(22, 24)).toBe(SUCCESS);
        expect(exports.close(22)).toBe(BAD_DESCRIPTOR);
        exports.trap();
      });
      await failure(loan);
    }
    expect(pool.stats().destroyedBy).toEqual({ trap: 21 });
    expect(lowestFree()).toBe(before);
  });

  test('also where it was never made, for want of an import or of memory', async () => {
    const before = lowestFree();
    for (let attempt = 0; attempt < 5; attempt++) {
      await failure(pooled({ imports: {} }));
      await failure(pooled({ onCreate: () => Promise.reject(new Error('no')) }));
    }
    const empty = await createWasmPool(wat('(module)'), {
      wasi: { implementation: 'node', preopens: { '/': folder } },
    });
    await empty.close();
    expect(lowestFree()).toBe(before);
  });

  test('and a call that outlives it opens nothing more', async () => {
    const gate = Promise.withResolvers<void>();
    await using pool = await pooled({
      promising: ['waitAndOpen'],
      imports: { host: { wait: suspending(() => gate.promise) } },
    });
    const instance = await pool.acquire();
    const call = instance.exports.waitAndOpen();
    await pool.release(instance);
    const before = lowestFree();
    gate.resolve();
    expect(await call).toBe(NOT_CAPABLE);
    expect(lowestFree()).toBe(before);
    expect(pool.stats().destroyedBy).toEqual({ busy: 1 });
    expectAtRest(pool);
  });
});
