import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import releaseSync from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import wabt from 'wabt';

/** What a request has an instance do. */
export interface Guest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Makes what `work` takes from the compiled module; `link` makes the WebAssembly instance. */
  instantiate(
    module: WebAssembly.Module,
    link: (imports: WebAssembly.Imports) => WebAssembly.Instance,
  ): unknown;
  work(instance: never): unknown;
}

interface Sum {
  sum(): number;
}

/** A module of so many pages, the data of which is all but its first kilobyte, and which is summed. */
async function summing(pages: number): Promise<Guest> {
  const { parseWat } = await wabt();
  const data = pages === 1 ? '' : `(data (i32.const 1024) "${'x'.repeat(pages * 65_536 - 2048)}")`;
  const text = `(module (memory ${pages}) ${data}
    (func (export "sum") (result i32) (local $at i32) (local $sum i32)
      (loop $next
        (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 4096))))
      (local.get $sum)))`;
  return {
    bytes: new Uint8Array(parseWat('sum.wat', text, {}).toBinary({}).buffer),
    instantiate: (_, link) => link({}).exports,
    work: ({ sum }: Sum) => sum(),
  };
}

async function interpreter(): Promise<Guest> {
  const file = createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm');
  return {
    bytes: new Uint8Array(await readFile(file)),
    instantiate(_, link) {
      const emscriptenModule = {
        instantiateWasm(imports: WebAssembly.Imports, receive: (it: WebAssembly.Instance) => void) {
          const instance = link(imports);
          receive(instance);
          return instance.exports;
        },
      };
      const variant = releaseSync as unknown as QuickJSSyncVariant; // its types take it for CommonJS
      return newQuickJSWASMModuleFromVariant(newVariant(variant, { emscriptenModule }));
    },
    work(quickjs: QuickJSWASMModule) {
      using context = quickjs.newContext();
      using value = context.unwrapResult(context.evalCode('[1, 2, 3].map((n) => n * n).join()'));
      return context.dump(value);
    },
  };
}

export const guests: Readonly<Record<string, () => Promise<Guest>>> = {
  small: () => summing(1),
  '1 MiB': () => summing(16),
  interpreter,
};
