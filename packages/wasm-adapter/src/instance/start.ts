import { messageOf, WasmError, WasmExit } from '../errors.js';

/**
 * Runs a command's `_start` or a reactor's `_initialize`, as the WASI application ABI has it; a module
 * with neither is left alone. Rejects with a `WasmError` `ERR_WASM_START` for a trap, and for an exit
 * code other than 0.
 */
export async function start(exports: Record<string, unknown>, name: string): Promise<void> {
  const entry = exports._start === undefined ? '_initialize' : '_start';
  const run = exports[entry];
  if (typeof run !== 'function') return;
  try {
    await run();
  } catch (cause) {
    if (cause instanceof WasmExit && cause.exitCode === 0) return;
    const how =
      cause instanceof WasmExit
        ? `exited with code ${cause.exitCode}`
        : `threw: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_START', `${name}: ${entry} ${how}`, { cause });
  }
}
