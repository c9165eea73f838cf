import { isTranspiledComponent } from '../component/transpiled-source.js';
import { messageOf, WasmError } from '../errors.js';
import { describeBytes, isComponent } from '../source/describe-bytes.js';
import type { Loaded } from '../source/source.js';
import { type ModuleShape, moduleShape } from './module-shape.js';
import { exportPrivate } from './private-exports.js';

/** A module, compiled once for all instances. */
export interface Compiled {
  /** As its author wrote it. */
  readonly module: WebAssembly.Module;
  /** The same, and exporting the private state that the pool counts or restores. */
  readonly extended: WebAssembly.Module;
  /** Undefined where the bytes are not known, or use what `moduleShape` does not know. */
  readonly shape: ModuleShape | undefined;
}

/**
 * Compiles a core module. Rejects with a `WasmError`: `ERR_WASM_COMPONENT`, or `ERR_WASM_COMPILE` that
 * says what it is instead.
 */
export async function compile(loaded: Loaded): Promise<Compiled> {
  if (loaded instanceof WebAssembly.Module) {
    return { module: loaded, extended: loaded, shape: undefined };
  }
  if (isTranspiledComponent(loaded) || isComponent(loaded.bytes)) {
    const name = isTranspiledComponent(loaded) ? 'src' : loaded.name;
    const message = `${name} is a component; accepted here: a core module`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  const { bytes, name } = loaded;
  let module: WebAssembly.Module;
  try {
    module = await (loaded.streaming ?? WebAssembly.compile(bytes));
  } catch (cause) {
    throw compileError(bytes, name, cause);
  }
  const shape = shapeOf(bytes);
  const more = shape === undefined ? bytes : exportPrivate(bytes, shape);
  if (more === bytes) return { module, extended: module, shape };
  try {
    return { module, extended: await WebAssembly.compile(more), shape };
  } catch (cause) {
    // Left as it is, it would have memory that nobody counts.
    const message = `could not compile ${name} with its private state exported: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  }
}

function shapeOf(bytes: Uint8Array): ModuleShape | undefined {
  try {
    return moduleShape(bytes);
  } catch {
    return undefined; // V8 took it: it is valid, and newer than moduleShape
  }
}

function compileError(bytes: Uint8Array, name: string, cause: unknown): WasmError {
  const message = `could not compile ${name}, ${describeBytes(bytes)}: ${messageOf(cause)}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}
