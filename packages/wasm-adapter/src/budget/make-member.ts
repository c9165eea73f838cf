// What the pools of a factory are made with, and which is loaded with the first one.
import { type TranspilingOptions, transpileOptions } from '../component/transpile-options.js';
import type { ModuleOptions } from '../module/limits.js';
import { sha256 } from '../platform/hash.js';
import { isComponent } from '../source/describe-bytes.js';
import type { Loaded } from '../wasm-source.js';

export { minBytesOf } from '../module/limits.js';
export { checkWasmOptions } from '../pool/options.js';
export { startPool } from '../pool/start-pool.js';
export { makeProgram } from '../program.js';

/**
 * The key under which pools share a program: its content, and how it is compiled and transpiled. A
 * source that came compiled, or that the platform cannot hash, is not shared.
 */
export async function keyOf(
  loaded: Loaded,
  options: TranspilingOptions & ModuleOptions,
): Promise<string | symbol> {
  const content = 'bytes' in loaded ? await sha256(loaded.bytes) : undefined;
  if (content === undefined || !('bytes' in loaded)) return Symbol('not shared');
  const { limits = {}, maxMemoryBytes = 0, reset, interruptible = false } = options;
  const transpiled = isComponent(loaded.bytes) ? transpileOptions(options) : undefined;
  return (
    content +
    JSON.stringify([limits, maxMemoryBytes > 0, reset === 'restore', transpiled, interruptible])
  );
}
