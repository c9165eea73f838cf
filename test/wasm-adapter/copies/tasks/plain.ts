// Tasks of a pool whose instances are copies of a snapshot.
import type { WasmInstance } from '@wasm-pool/wasm-adapter';

interface Guest {
  count(): number;
}

let value: unknown;

export function onCreate(_: WasmInstance<Guest>, given: unknown) {
  value = given;
}

export function count({ exports }: WasmInstance<Guest>): number {
  return exports.count();
}

export const prepared = () => value;
