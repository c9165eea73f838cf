import type { WASI } from 'node:wasi';
import { reasonOf, WasmError } from './errors.js';

/**
 * Runs `_initialize` (of a reactor) or `_start` (of a command), as the WASI application ABI has it;
 * a module with neither is left alone. Throws a `WasmError` `ERR_WASM_START` for a trap, and for an
 * exit code other than 0.
 */
export function start(instance: WebAssembly.Instance, wasi: WASI | undefined, name: string): void {
  const { _initialize, _start } = instance.exports;
  const entry = typeof _start === 'function' ? '_start' : '_initialize';
  let exitCode: number;
  try {
    exitCode = wasi === undefined ? run(_start ?? _initialize) : runWasi(instance, wasi, entry);
  } catch (cause) {
    throw new WasmError('ERR_WASM_START', `${name}: ${entry} threw: ${reasonOf(cause)}`, { cause });
  }
  if (exitCode !== 0) {
    throw new WasmError('ERR_WASM_START', `${name}: ${entry} exited with code ${exitCode}`);
  }
}

function run(entry: unknown): number {
  if (typeof entry === 'function') entry();
  return 0;
}

function runWasi(instance: WebAssembly.Instance, wasi: WASI, entry: string): number {
  // start() gives the code of proc_exit, and 0 when _start just returned.
  if (entry === '_start') return wasi.start(instance);
  wasi.initialize(instance);
  return 0;
}
