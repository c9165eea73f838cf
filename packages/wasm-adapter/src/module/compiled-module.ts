import { messageOf, WasmError } from '../errors.js';
import { describeBytes, isComponent } from '../source/describe-bytes.js';
import type { LoadedModule } from '../source/source.js';
import { type ModuleShape, moduleShape } from './module-shape.js';
import type { CoreModule, Program } from './program.js';
import { restoreBlockersOf } from './restore-blockers.js';
import { rewriteModule } from './rewrite.js';

/** A core module, compiled once for all instances. */
export class CompiledModule implements Program, CoreModule {
  readonly kind = 'module';

  readonly module: WebAssembly.Module;

  readonly extended: WebAssembly.Module;

  readonly shape: ModuleShape | undefined;

  readonly defaultMaxUses = 0;

  constructor({ module, extended, shape }: CoreModule) {
    this.module = module;
    this.extended = extended;
    this.shape = shape;
  }

  get modules(): readonly CompiledModule[] {
    return [this];
  }

  get restoreBlockers(): readonly string[] {
    return restoreBlockersOf(this.shape);
  }

  mainModule(): WebAssembly.Module {
    return this.module;
  }

  /** The parts as they go to another thread: a structured clone drops methods. */
  toMessage(): CoreModule {
    const { module, extended, shape } = this;
    return { module, extended, shape };
  }
}

/**
 * Compiles a core module. Rejects with a `WasmError`: `ERR_WASM_COMPONENT` for a component, or
 * `ERR_WASM_COMPILE`, which says what the bytes are instead.
 */
export async function compile(loaded: LoadedModule): Promise<CompiledModule> {
  if (loaded instanceof WebAssembly.Module) {
    return new CompiledModule({ module: loaded, extended: loaded, shape: undefined });
  }
  const { bytes, name } = loaded;
  if (isComponent(bytes)) {
    const message = `${name} is a component; accepted here: a core module`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  let module: WebAssembly.Module;
  try {
    module = await (loaded.streaming ?? WebAssembly.compile(bytes));
  } catch (cause) {
    throw compileError(bytes, name, cause);
  }
  const shape = shapeOf(bytes);
  const more = shape === undefined ? bytes : rewriteModule(bytes, shape, { exportState: true });
  if (more === bytes) return new CompiledModule({ module, extended: module, shape });
  try {
    return new CompiledModule({ module, extended: await WebAssembly.compile(more), shape });
  } catch (cause) {
    // Used unextended, the module would have memory that nobody counts.
    const message = `could not compile ${name} with its private state exported: ${messageOf(cause)}`;
    throw new WasmError('ERR_WASM_COMPILE', message, { cause });
  }
}

function shapeOf(bytes: Uint8Array): ModuleShape | undefined {
  try {
    return moduleShape(bytes);
  } catch {
    return undefined; // V8 accepted the module: it is valid, and newer than moduleShape
  }
}

function compileError(bytes: Uint8Array, name: string, cause: unknown): WasmError {
  const message = `could not compile ${name}, ${describeBytes(bytes)}: ${messageOf(cause)}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}
