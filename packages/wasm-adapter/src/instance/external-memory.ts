/**
 * Something for V8 to count in place of a WebAssembly memory of that size: what V8 14 does not count is
 * no reason for it to collect garbage, and instances that were dropped would pile up by the gigabyte.
 * It is to be held as long as the memory is. Its pages are reserved, and never touched.
 */
export function externalMemory(bytes: number): ArrayBuffer | undefined {
  countsMemories ??= doesCountMemories();
  return countsMemories || bytes === 0
    ? undefined
    : new ArrayBuffer(bytes, { maxByteLength: bytes });
}

let countsMemories: boolean | undefined;

function doesCountMemories(): boolean {
  const { external } = process.memoryUsage();
  const { buffer } = new WebAssembly.Memory({ initial: 256 });
  return process.memoryUsage().external - external >= buffer.byteLength;
}
