import { messageOf, WasmError } from '../errors.js';
import {
  compilesAtOnce,
  isCompilingForbidden,
  WHERE_COMPILING_IS_FORBIDDEN,
} from '../platform/code-generation.js';
import { sharesMemory, threadMemory } from '../platform/shared-memory.js';
import { describeBytes, isComponent } from '../source/describe-bytes.js';
import type { LoadedModule } from '../source/source.js';
import { limitError, ModuleLimits, type ModuleOptions } from './limits.js';
import { type ModuleShape, moduleShape } from './module-shape.js';
import type { CoreModule, Program } from './program.js';
import { restoreBlockersOf } from './restore-blockers.js';
import { rewriteModule } from './rewrite.js';
import { trampolineModule } from './trampolines.js';

/** A compiled module as it goes to another thread: a structured clone drops methods. */
export interface CompiledParts {
  /** What `module` is, or is compiled from when somebody asks for it. */
  readonly original: WebAssembly.Module | Uint8Array<ArrayBuffer>;
  readonly extended: WebAssembly.Module;
  readonly shape: ModuleShape | undefined;
  /** The author's bytes, where they are known: other modules are made from them, for copies. */
  readonly bytes?: Uint8Array | undefined;
  /** Whether other modules that are made of the bytes have to be interruptible: see `ModuleChanges`. */
  readonly interruptible?: boolean | undefined;
}

/** A core module, compiled for all instances. */
export class CompiledModule implements Program, CoreModule {
  readonly kind = 'module';

  readonly extended: WebAssembly.Module;

  readonly shape: ModuleShape | undefined;

  readonly interruptible: boolean;

  readonly defaultMaxUses = 0;

  #original: WebAssembly.Module | Uint8Array<ArrayBuffer>;
  #trampolines: WebAssembly.Module | 'none' | undefined = undefined;

  #bytes: Uint8Array | undefined;

  constructor({ original, extended, shape, bytes, interruptible = false }: CompiledParts) {
    this.interruptible = interruptible;
    this.#original = original;
    this.#bytes = bytes;
    this.extended = extended;
    this.shape = shape;
  }

  /** Compiled when it is first asked for, where only the private memories of `extended` are exported. */
  get module(): WebAssembly.Module {
    if (!(this.#original instanceof WebAssembly.Module)) {
      this.#original = new WebAssembly.Module(this.#original);
    }
    return this.#original;
  }

  /**
   * A module with a trampoline for each function that the author exports; undefined where the types of
   * these are not known. It is compiled when it is first asked for.
   */
  trampolines(): WebAssembly.Module | undefined {
    this.#trampolines ??= this.#compileTrampolines() ?? 'none';
    return this.#trampolines === 'none' ? undefined : this.#trampolines;
  }

  #compileTrampolines(): WebAssembly.Module | undefined {
    const { shape } = this;
    if (shape === undefined) return undefined;
    const bytes = trampolineModule(shape, [...shape.functions.exportedTypes.keys()]);
    return bytes && new WebAssembly.Module(bytes);
  }

  /** The author's bytes, where they are known. */
  get bytes(): Uint8Array<ArrayBuffer> | undefined {
    const bytes = this.#bytes;
    // No engine compiles what other threads could change meanwhile.
    return bytes === undefined || isOwn(bytes) ? bytes : new Uint8Array(bytes);
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

  /** The author's bytes go as shared memory: there is one copy of them for all threads. */
  toMessage(): CompiledParts {
    const { extended, shape, interruptible } = this;
    if (sharesMemory && this.#bytes !== undefined && isOwn(this.#bytes)) {
      const shared = new Uint8Array(threadMemory(this.#bytes.length));
      shared.set(this.#bytes);
      this.#bytes = shared;
    }
    return { original: this.#original, extended, shape, bytes: this.#bytes, interruptible };
  }
}

/**
 * Compiles a core module: once, but for `restore`, where there is one for users to see beside the one
 * that instances are made of. Rejects with a `WasmError`: `ERR_WASM_COMPONENT` for a component;
 * `ERR_WASM_LIMIT` where it asks for more than `limits` say, or where they were given and it is not
 * understood; or `ERR_WASM_COMPILE`, which says what the bytes are instead.
 */
export async function compile(
  loaded: LoadedModule,
  options: ModuleOptions = {},
): Promise<CompiledModule> {
  const limits = new ModuleLimits(options.limits);
  if (loaded instanceof WebAssembly.Module) {
    if (limits.given) throw notUnderstood('src', 'it was given compiled; accepted: its bytes');
    return new CompiledModule({ original: loaded, extended: loaded, shape: undefined });
  }
  const { bytes, name, streaming } = loaded;
  if (isComponent(bytes)) {
    const message = `${name} is a component; accepted here: a core module`;
    throw new WasmError('ERR_WASM_COMPONENT', message);
  }
  limits.checkSize(name, bytes.length);
  const restores = options.reset === 'restore';
  const shape = shapeOf(bytes, restores);
  if (shape === undefined) {
    const module = await compileBytes(bytes, name, bytes, streaming);
    if (limits.given || (options.maxMemoryBytes ?? 0) > 0) {
      throw notUnderstood(name, 'it uses what is newer than this package');
    }
    return new CompiledModule({ original: module, extended: module, shape, bytes });
  }
  limits.checkShape(name, shape);
  const { interruptible } = options;
  const changes = { ...limits.changes(shape), interruptible };
  const exportState = restores ? true : 'memories';
  const limited = rewriteModule(bytes, shape, changes);
  const more = rewriteModule(bytes, shape, { ...changes, exportState });
  const compiled = await compileBytes(more, name, bytes, streaming);
  let original: WebAssembly.Module | Uint8Array<ArrayBuffer> = compiled;
  if (more.length > limited.length) {
    const now = restores || !compilesAtOnce(limited.length);
    original = now ? await compileBytes(limited, name, bytes, streaming) : limited;
  }
  return new CompiledModule({ original, extended: compiled, shape, bytes, interruptible });
}

/** @param original what the author wrote, of which the error is to speak */
async function compileBytes(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  original: Uint8Array<ArrayBuffer>,
  streaming?: Promise<WebAssembly.Module>,
): Promise<WebAssembly.Module> {
  try {
    if (bytes === original) return await (streaming ?? WebAssembly.compile(bytes));
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    if (isCompilingForbidden(cause)) throw forbiddenError(name, cause);
    throw await compileErrorOf(original, name, cause, streaming);
  }
}

/** V8's words about what the author wrote; where that compiles, about what became of it. */
async function compileErrorOf(
  original: Uint8Array<ArrayBuffer>,
  name: string,
  cause: unknown,
  streaming?: Promise<WebAssembly.Module>,
): Promise<WasmError> {
  try {
    await (streaming ?? WebAssembly.compile(original));
  } catch (error) {
    return compileError(original, name, error);
  }
  const message = `could not compile ${name} with its private state exported: ${messageOf(cause)}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}

function forbiddenError(name: string, cause: Error): WasmError {
  const message = `could not compile ${name}: this platform makes no code of bytes at run time (${cause.message}); accepted: ${WHERE_COMPILING_IS_FORBIDDEN}`;
  return new WasmError('ERR_WASM_PLATFORM', message, { cause });
}

function notUnderstood(name: string, why: string): WasmError {
  return limitError(`${name}: what the module asks for cannot be limited, for ${why}`);
}

function shapeOf(bytes: Uint8Array, readsCode: boolean): ModuleShape | undefined {
  try {
    return moduleShape(bytes, readsCode);
  } catch {
    return undefined; // it is not valid, or newer than moduleShape: V8 says which
  }
}

function compileError(bytes: Uint8Array, name: string, cause: unknown): WasmError {
  const message = `could not compile ${name}, ${describeBytes(bytes)}: ${messageOf(cause)}`;
  return new WasmError('ERR_WASM_COMPILE', message, { cause });
}

function isOwn(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}
