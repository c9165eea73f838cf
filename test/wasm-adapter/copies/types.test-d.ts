// Checked by `tsc -b`, never run.
import { createWasmPool, createWasmSnapshot } from '@wasm-pool/wasm-adapter';
import { expectTypeOf } from 'vitest';

declare const bytes: Uint8Array;

// What preinitialize returns, or resolves with, is what onCreate gets.
createWasmPool(bytes, {
  preinitialize: () => ({ pointer: 5 }),
  onCreate: (_, prepared) => expectTypeOf(prepared).toEqualTypeOf<{ pointer: number }>(),
});
createWasmPool(bytes, {
  preinitialize: async () => 'text',
  onCreate: (_, prepared) => expectTypeOf(prepared).toEqualTypeOf<string>(),
});
createWasmPool<{ load(): number }, string, bigint>(bytes, {
  preinitialize({ exports, context }) {
    expectTypeOf(exports.load()).toEqualTypeOf<number>();
    expectTypeOf(context).toEqualTypeOf<string | undefined>();
    return 5n;
  },
  onCreate: (_, prepared) => expectTypeOf(prepared).toEqualTypeOf<bigint>(),
});

// Of a snapshot nobody knows it but who says so.
createWasmPool(bytes, {
  snapshot: bytes,
  onCreate: (_, prepared) => expectTypeOf(prepared).toEqualTypeOf<unknown>(),
});

// @ts-expect-error: it is a function
createWasmPool(bytes, { preinitialize: 5 });
// @ts-expect-error: a snapshot is bytes, or where they are
createWasmPool(bytes, { snapshot: 5 });
// @ts-expect-error: a snapshot is what preinitialize leaves
createWasmSnapshot(bytes, {});
createWasmSnapshot(bytes, {
  preinitialize() {},
  // @ts-expect-error: a snapshot is of one instance, which nobody borrows
  max: 5,
});
expectTypeOf(createWasmSnapshot(bytes, { preinitialize() {} })).resolves.toEqualTypeOf<
  Uint8Array<ArrayBuffer>
>();
