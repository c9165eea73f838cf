import { externalBytes } from '../platform/memory.js';

/**
 * A stand-in that V8 counts as external memory, because V8 14 does not count WebAssembly memories.
 * Without it, dropped instances pile up by the gigabyte before V8 collects garbage. Hold it as long
 * as the memory of `bytes` lives. Its pages are reserved, and never touched.
 */
export function externalMemory(bytes: number): ArrayBuffer | undefined {
  countsMemories ??= doesCountMemories();
  return countsMemories || bytes === 0
    ? undefined
    : new ArrayBuffer(bytes, { maxByteLength: bytes });
}

let countsMemories: boolean | undefined;

function doesCountMemories(): boolean {
  const before = externalBytes();
  if (before === undefined) return true; // no V8 that can be asked: left to the engine
  const { buffer } = new WebAssembly.Memory({ initial: 256 });
  return (externalBytes() ?? 0) - before >= buffer.byteLength;
}
