// What a pool of this library runs in its threads.
import { move, type WasmInstance } from '@wasm-pool/wasm-adapter';
import type { Guest } from './guest.ts';

type Instance = WasmInstance<Guest>;

export const add = ({ exports }: Instance, a: number, b: number) => exports.add(a, b);
export const compute = ({ exports }: Instance, turns: number) => exports.compute(turns);
export const echo = (_: Instance, bytes: Uint8Array<ArrayBuffer>) => move(bytes);
