import { messageOf, WasmError } from '../errors.js';

/** V8's words for having no room for a new memory, of an instance or by itself. */
const words = [
  /^WebAssembly\.Instance\(\): Out of memory: /,
  /^WebAssembly\.Memory\(\): could not allocate memory/,
];

/** Whether V8 has no room for a further memory. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof RangeError && words.some((it) => it.test(error.message));
}

/** What V8 says, and what can be done about it. */
export function outOfMemoryError(cause: unknown, name: string): WasmError {
  return new WasmError(
    'ERR_WASM_MEMORY',
    `${name}: V8 has no room for a further instance (${messageOf(cause)}). It reserves some 8 GiB of address space for each memory, of 128 TiB: lower max, or destroy idle instances`,
    { cause },
  );
}
