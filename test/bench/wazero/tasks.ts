import { suspending, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { sleep } from './sleep.ts';

export interface Guest {
  add(a: number, b: number): number;
  microsleep(a: number, b: number): Promise<number>;
}

export const imports = { host: { sleep: suspending(sleep) } };
export const keep = (_: WasmInstance<Guest>) => {};
