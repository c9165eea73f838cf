// How a library is run with a WebAssembly that is given to it: a copy of its JavaScript for each instance.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a loader makes its instance with: the pool's, or, for the plain library, WebAssembly's own. */
export interface World {
  readonly module: WebAssembly.Module | undefined;
  readonly WebAssembly: typeof WebAssembly;
  link(imports: object): WebAssembly.Instance;
}

/** The library by itself, as its README has it. */
export function plainWorld(module: WebAssembly.Module): World {
  return {
    module,
    WebAssembly,
    link: (imports) => new WebAssembly.Instance(module, imports as WebAssembly.Imports),
  };
}

/** Where the libraries are installed. */
export const folder = process.env.FIELD_FOLDER ?? '';
export const at = (path: string) => join(folder, 'node_modules', path);
export const bytesAt = (path: string) => new Uint8Array(readFileSync(at(path)));

// A library's exports have the types that its package says; here they are looked at by name only.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Loose = any;

/** Runs a CommonJS file, and what it requires of its own folders, in a world. */
export function runCommonJs(
  path: string,
  world: World,
  names: Record<string, unknown> = {},
): Loose {
  const loaded = new Map<string, { exports: Loose }>();
  const load = (file: string): Loose => {
    const known = loaded.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} as Loose };
    loaded.set(file, module);
    const real = createRequire(file);
    const require = Object.assign(
      (name: string) => {
        const found = real.resolve(name);
        const isOurs = found.startsWith(folder) && ['.js', '.cjs'].includes(extname(found));
        return isOurs ? load(found) : real(name);
      },
      { resolve: real.resolve, main: undefined },
    );
    const given = {
      module,
      exports: module.exports,
      require,
      __filename: file,
      __dirname: dirname(file),
      WebAssembly: world.WebAssembly,
      ...names,
    };
    new Function(...Object.keys(given), readFileSync(file, 'utf8')).call(
      module.exports,
      ...Object.values(given),
    );
    return module.exports;
  };
  return load(at(path));
}

const worlds: World[] = [];
Object.assign(globalThis, { fieldWorlds: worlds });

/** Imports a copy of an ES module in a world; `head` is put before its code. */
export async function importCopy(path: string, world: World, head = ''): Promise<Loose> {
  const number = worlds.push(world) - 1;
  const file = join(dirname(at(path)), `.field-${process.pid}-${number}.mjs`);
  const own = `const WebAssembly = globalThis.fieldWorlds[${number}].WebAssembly;\n`;
  writeFileSync(file, own + head + readFileSync(at(path), 'utf8'));
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(file);
  }
}

/** The option by which emscripten's loaders let their caller make the instance. */
export const emscripten = (world: World) => ({
  print() {},
  printErr() {},
  instantiateWasm(
    imports: object,
    receive: (instance: WebAssembly.Instance, module?: WebAssembly.Module) => void,
  ) {
    const instance = world.link(imports);
    receive(instance, world.module); // which dynamic linking reads more of
    return instance.exports;
  },
});

/** The bytes that a loader compiles, of one that has them within its JavaScript. */
export async function bytesOfLoader(load: (world: World) => unknown): Promise<Uint8Array> {
  let found: Uint8Array | undefined;
  const note = (source: unknown) => {
    if (found === undefined && (source instanceof ArrayBuffer || ArrayBuffer.isView(source))) {
      const view = ArrayBuffer.isView(source) ? source : new Uint8Array(source);
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      if (bytes.length > 1000) found = new Uint8Array(bytes);
    }
    return source;
  };
  const recorder = Object.assign(Object.create(WebAssembly), {
    instantiate: (source: BufferSource, imports: WebAssembly.Imports) =>
      WebAssembly.instantiate(note(source) as BufferSource, imports),
    compile: (source: BufferSource) => WebAssembly.compile(note(source) as BufferSource),
    Module: new Proxy(WebAssembly.Module, {
      construct: (target, [source]) => Reflect.construct(target, [note(source)]),
    }),
  });
  await load({
    module: undefined,
    WebAssembly: recorder,
    link: () => {
      throw new Error('not here');
    },
  });
  if (found === undefined) throw new Error('the loader compiled nothing');
  return found;
}
