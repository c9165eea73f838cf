import type { WasmInstance } from '@wasm-pool/wasm-adapter';
export interface Add {
  add(a: number, b: number): number;
}
export const twice = ({ exports }: WasmInstance<Add>, value: number): number =>
  exports.add(value, value);
