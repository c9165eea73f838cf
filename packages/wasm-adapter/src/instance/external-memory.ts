import { externalBytes } from '../platform/memory.js';

/**
 * A stand-in that V8 counts as external memory, because V8 14 does not count what a WebAssembly memory
 * grows by, but its size at the start only. Without it, dropped instances that have grown pile up by the
 * gigabyte before V8 collects garbage. Hold it as long as the memory lives that grew by `bytes`. Its pages
 * are reserved, and never touched.
 */
export function externalMemory(bytes: number): ArrayBuffer | undefined {
  countsGrowth ??= doesCountGrowth();
  return countsGrowth || bytes === 0 ? undefined : new ArrayBuffer(bytes, { maxByteLength: bytes });
}

let countsGrowth: boolean | undefined;

function doesCountGrowth(): boolean {
  const before = externalBytes();
  if (before === undefined) return true; // no V8 that can be asked: left to the engine
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 256 });
  memory.grow(256);
  return (externalBytes() ?? 0) - before >= memory.buffer.byteLength;
}
