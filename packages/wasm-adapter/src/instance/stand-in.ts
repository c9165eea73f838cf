import type { CompiledModule } from '../module/compiled-module.js';
import type { WasmImports } from './link.js';

/** What makes the instance in place of `WebAssembly`. */
interface Linker {
  link(imports: WasmImports): WebAssembly.Instance;
}

/**
 * A stand-in for `WebAssembly`, for loaders that do not let their caller make the instance: where they
 * compile the bytes of the pool's module they get that module, and what they make of it is made by
 * `link`. All else, the modules of other bytes too, is WebAssembly's own.
 */
export function standInWebAssembly(linker: Linker, program: CompiledModule): typeof WebAssembly {
  const { module } = program;
  const make = (imports: unknown = {}) => linker.link(imports as WasmImports);
  const isOwn = (source: unknown) => isBytes(source) && isOf(program, bytesOf(source));

  const compile = async (source: BufferSource) =>
    isOwn(source) ? module : WebAssembly.compile(source);
  const instantiate = async (
    source: BufferSource | WebAssembly.Module,
    imports?: WebAssembly.Imports,
  ) => {
    if (source === module) return make(imports);
    if (source instanceof WebAssembly.Module) return WebAssembly.instantiate(source, imports);
    if (isOwn(source)) return { module, instance: make(imports) };
    return WebAssembly.instantiate(source, imports);
  };
  const bodyOf = async (source: Response | PromiseLike<Response>) => (await source).arrayBuffer();
  return Object.assign(Object.create(WebAssembly), {
    Module: new Proxy(WebAssembly.Module, {
      construct: (target, args) => (isOwn(args[0]) ? module : Reflect.construct(target, args)),
    }),
    Instance: new Proxy(WebAssembly.Instance, {
      construct: (target, args) =>
        args[0] === module ? make(args[1]) : Reflect.construct(target, args),
    }),
    compile,
    instantiate,
    compileStreaming: async (source: Response | PromiseLike<Response>) =>
      compile(await bodyOf(source)),
    instantiateStreaming: async (
      source: Response | PromiseLike<Response>,
      imports?: WebAssembly.Imports,
    ) => instantiate(await bodyOf(source), imports),
  });
}

function isBytes(source: unknown): source is BufferSource {
  return ArrayBuffer.isView(source) || source instanceof ArrayBuffer;
}

function bytesOf(source: BufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** Whether these are the bytes of a program; where its bytes are not known, a module like it. */
function isOf({ bytes, module }: CompiledModule, given: Uint8Array): boolean {
  if (bytes !== undefined) {
    return bytes.length === given.length && bytes.every((byte, index) => byte === given[index]);
  }
  try {
    return facadeOf(new WebAssembly.Module(new Uint8Array(given))) === facadeOf(module);
  } catch {
    return false;
  }
}

function facadeOf(module: WebAssembly.Module): string {
  return JSON.stringify([WebAssembly.Module.imports(module), WebAssembly.Module.exports(module)]);
}
