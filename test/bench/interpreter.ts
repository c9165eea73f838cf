// Time to the first call of a module whose start is expensive: QuickJS, by emscripten, that evaluates
// a library of JavaScript before it can do anything.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import quickjsVariant from '@jitl/quickjs-wasmfile-release-sync';
import { createWasmPool, type WasmImports } from '@wasm-pool/wasm-adapter';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSSyncVariant,
} from 'quickjs-emscripten-core';
import { bundleLibrary } from '../sandbox-server/markdown.ts';
import { inRounds, print } from './rounds.ts';

const variant = quickjsVariant as unknown as QuickJSSyncVariant;
const { resolve } = createRequire(import.meta.url);
const bytes = readFileSync(resolve('@jitl/quickjs-wasmfile-release-sync/wasm'));
const library = await bundleLibrary();

type Link = (imports: WasmImports) => WebAssembly.Instance;

async function contextOf(link: Link): Promise<QuickJSContext> {
  const instantiateWasm = (imports: WasmImports, done: (made: WebAssembly.Instance) => void) => {
    const made = link(imports);
    done(made);
    return made.exports;
  };
  const engine = newVariant(variant, { emscriptenModule: { instantiateWasm } });
  return (await newQuickJSWASMModuleFromVariant(engine)).newContext();
}

function load(context: QuickJSContext): void {
  context.unwrapResult(context.evalCode(library)).dispose();
}

function render(context: QuickJSContext): unknown {
  using html = context.unwrapResult(context.evalCode("renderer.render('# one *two*')"));
  return context.dump(html);
}

/** Prints what a first call costs of a restored instance, of a new one, and of one left as it was. */
export async function firstCall(): Promise<void> {
  const pooled = (reset: 'restore' | 'reuse') =>
    createWasmPool<QuickJSContext>(bytes, {
      max: 1,
      reset,
      statelessLoader: true,
      instantiate: (_, instance) => contextOf((imports) => instance.link(imports)),
      onCreate: ({ exports }) => load(exports),
    });
  await using restoring = await pooled('restore');
  await using reusing = await pooled('reuse');
  if (restoring.restoreBlockers.length > 0) throw new Error(restoring.restoreBlockers.join());
  const { module } = restoring;
  const anew = async () => {
    const context = await contextOf(
      (imports) => new WebAssembly.Instance(module, imports as WebAssembly.Imports),
    );
    load(context);
    return render(context);
  };
  const fromPool = (pool: typeof restoring) => () =>
    pool.useSync(({ exports }) => render(exports) as string);

  const expected = await anew();
  for (const pool of [restoring, reusing, restoring]) {
    if (fromPool(pool)() !== expected) throw new Error('not what a new instance gives');
  }
  const results = await inRounds([
    { name: 'QuickJS and a library: instantiate', operations: 1, run: anew },
    { name: 'QuickJS and a library: restore', operations: 1, run: fromPool(restoring) },
    { name: 'QuickJS and a library: reuse', operations: 1, run: fromPool(reusing) },
  ]);
  if (restoring.stats().destroyed > 0) throw new Error('it was not restored, but replaced');
  print(results, [
    { of: 'QuickJS and a library: restore', to: 'QuickJS and a library: instantiate' },
    { of: 'QuickJS and a library: restore', to: 'QuickJS and a library: reuse' },
  ]);
}
