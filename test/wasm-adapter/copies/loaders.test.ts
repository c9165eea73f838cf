// Copies of modules that come with a loader, or from other toolchains.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import quickjsVariant from '@jitl/quickjs-wasmfile-release-sync';
import { createWasmPool, type WasmImports, type WasmInstance } from '@wasm-pool/wasm-adapter';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import { describe, expect, test } from 'vitest';
import { failure } from '../../helpers/failure.js';
import { fixture } from '../../helpers/fixture.js';
import { bundleLibrary } from '../../sandbox-server/markdown.js';

const require = createRequire(import.meta.url);

/** What emscripten asks of whoever instantiates in its place. */
const linking =
  (instance: WasmInstance<never>) =>
  (imports: WasmImports, done: (made: WebAssembly.Instance) => void) => {
    const made = instance.link(imports);
    done(made);
    return made.exports;
  };

test('QuickJS, by emscripten, with a library in a context that each copy takes up', async () => {
  const library = await bundleLibrary();
  interface Engine {
    readonly quickjs: QuickJSWASMModule;
    context: QuickJSContext | undefined;
  }
  const variant = quickjsVariant as unknown as QuickJSSyncVariant;
  const load = async (_: unknown, instance: WasmInstance<Engine>): Promise<Engine> => {
    const instantiateWasm = linking(instance as WasmInstance<never>);
    const engine = newVariant(variant, { emscriptenModule: { instantiateWasm } });
    return { quickjs: await newQuickJSWASMModuleFromVariant(engine), context: undefined };
  };
  const bytes = readFileSync(require.resolve('@jitl/quickjs-wasmfile-release-sync/wasm'));
  const render = (context: QuickJSContext | undefined, text: string) => {
    if (context === undefined) throw new Error('there is no context');
    using html = context.unwrapResult(
      context.evalCode(
        `globalThis.seen = (globalThis.seen ?? 0) + 1; seen + renderer.render(${JSON.stringify(text)})`,
      ),
    );
    return context.dump(html);
  };
  for (const reset of ['restore', 'fresh'] as const) {
    await using pool = await createWasmPool(bytes, {
      max: 3,
      min: 2,
      reset,
      instantiate: load,
      preinitialize({ exports: { quickjs } }) {
        const ffi = quickjs.getFFI();
        const runtime = ffi.QTS_NewRuntime();
        const make = ffi.QTS_NewRuntime;
        ffi.QTS_NewRuntime = () => runtime;
        const context = quickjs.newRuntime().newContext();
        ffi.QTS_NewRuntime = make;
        context.unwrapResult(context.evalCode(library)).dispose();
        return { runtime, context: context.getMemory(runtime).ctx.value };
      },
      onCreate({ exports }, { runtime, context }) {
        const ffi = exports.quickjs.getFFI();
        const make = ffi.QTS_NewRuntime;
        ffi.QTS_NewRuntime = () => runtime;
        exports.context = exports.quickjs.newRuntime().newContext({ contextPointer: context });
        ffi.QTS_NewRuntime = make;
      },
    });
    const rendered = await Promise.all(
      ['# one', '*two*', 'three'].map((text) =>
        pool.use(async ({ exports }) => {
          await Promise.resolve();
          return render(exports.context, text);
        }),
      ),
    );
    expect(rendered).toEqual(['1<h1>one</h1>\n', '1<p><em>two</em></p>\n', '1<p>three</p>\n']);
  }
});

describe('@jsquash/qoi, by embind', () => {
  interface Encoder {
    encode(pixels: Uint8Array, width: number, height: number): Uint8Array;
  }

  // Not of one that has encoded: its memory would hold handles of values that embind keeps in JavaScript.
  test('encodes in copies of an encoder that is ready', async () => {
    const name = '@jsquash/qoi/codec/enc/qoi_enc';
    const { default: load }: { default: (options: object) => Promise<Encoder> } = await import(
      require.resolve(`${name}.js`)
    );
    const bytes = readFileSync(require.resolve(`${name}.wasm`));
    const pixels = Uint8Array.from({ length: 64 * 64 * 4 }, (_, at) => (at * 31) >> 3);
    const instantiate = (_: unknown, instance: WasmInstance<Encoder>) =>
      load({ instantiateWasm: linking(instance as WasmInstance<never>) });
    await using plain = await createWasmPool<Encoder>(bytes, { instantiate });
    const expected = await plain.use(({ exports }) => exports.encode(pixels, 64, 64).slice());
    await using pool = await createWasmPool<Encoder>(bytes, {
      instantiate,
      min: 2,
      preinitialize: ({ exports }) => expect(exports.encode).toBeTypeOf('function'),
    });
    for (let loan = 0; loan < 3; loan++) {
      const encoded = await pool.use(({ exports }) => exports.encode(pixels, 64, 64).slice());
      expect(Buffer.from(encoded).equals(expected)).toBe(true);
    }
  });
});

test('gofmt, in Go, is initialized once, and formats in each copy', async () => {
  interface Gofmt {
    memory: WebAssembly.Memory;
    alloc(size: number): number;
    dispose(): void;
    format(): number;
    output_ptr(): number;
    output_len(): number;
  }
  const format = (go: Gofmt, source: string): string => {
    const input = Buffer.from(source);
    input.copy(new Uint8Array(go.memory.buffer, go.alloc(input.length), input.length));
    go.format();
    const output = Buffer.from(go.memory.buffer, go.output_ptr(), go.output_len()).toString();
    go.dispose();
    return output;
  };
  const bytes = readFileSync(join(dirname(require.resolve('@wasm-fmt/gofmt')), 'gofmt.wasm'));
  await using pool = await createWasmPool<Gofmt>(bytes, {
    max: 1,
    reset: 'fresh',
    preinitialize: ({ exports }) => void format(exports, 'package  warm\n'),
  });
  for (let loan = 0; loan < 3; loan++) {
    const formatted = await pool.use(({ exports }) => format(exports, `package  p${loan}\n`));
    expect(formatted).toBe(`package p${loan}\n`);
  }
});

describe('a reactor of WASI', () => {
  interface Reactor {
    memory: WebAssembly.Memory;
    started(): number;
    buffer(): number;
    read(): number;
  }
  const folder = mkdtempSync(join(tmpdir(), 'wasm-pool-copies-'));
  const read = ({ exports }: { exports: Reactor }, path: string) => {
    Buffer.from(exports.memory.buffer).write(`${path}\0`, exports.buffer());
    const length = exports.read();
    return Buffer.from(exports.memory.buffer, exports.buffer(), length).toString();
  };
  const textOf = ({ exports }: { exports: Reactor }, length: number) =>
    Buffer.from(exports.memory.buffer, exports.buffer(), length).toString();

  test('has in each copy what it has read of a file that it closed', async () => {
    writeFileSync(join(folder, 'library.txt'), 'the library');
    await using pool = await createWasmPool<Reactor>(fixture('reactor.wasm'), {
      min: 2,
      wasi: { preopens: { '/': folder } },
      preinitialize(instance) {
        expect(instance.exports.started()).toBe(1);
        expect(read(instance, '/library.txt')).toBe('the library');
      },
    });
    await pool.use((instance) => {
      expect(instance.exports.started()).toBe(1);
      expect(textOf(instance, 11)).toBe('the library');
    });
    rmSync(folder, { recursive: true });
  });

  test('that leaves a file open is refused', async () => {
    const { wat } = await import('../../helpers/wat.js');
    const opener = wat(`(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 16) "file")
      (func (export "open") (result i32)
        (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))))`);
    const error = await failure(
      createWasmPool<{ open(): number }>(opener, {
        wasi: { files: { file: 'content' } },
        preinitialize: ({ exports }) => expect(exports.open()).toBe(0),
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_WASM_SNAPSHOT' });
    expect(error.message).toContain('it holds a file open');
  });
});
