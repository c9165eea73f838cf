import { move, type WasmInstance } from '@wasm-pool/wasm-adapter';
import type { Tile } from './job.js';

/** The guest that the tasks call. */
export interface Fractal {
  readonly memory: WebAssembly.Memory;
  render(left: number, top: number, width: number, size: number, iterations: number): number;
}

/** Runs on a thread: has the guest render a tile, and copies the pixels out of its memory. */
export function render({ exports, name }: WasmInstance<Fractal>, tile: Tile) {
  const { left, top, width, size, iterations } = tile;
  const at = exports.render(left, top, width, size, iterations) >>> 0;
  const pixels = new Uint8Array(exports.memory.buffer, at, size * size).slice();
  return move({ pixels, instance: name }, [pixels.buffer]);
}
