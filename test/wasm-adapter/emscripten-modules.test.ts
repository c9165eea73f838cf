// Modules by emscripten, with its loader: one by embind, one that calls back into the host.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import quickjsVariant from '@jitl/quickjs-wasmfile-release-sync';
import { createWasmPool, type WasmImports, type WasmInstance } from '@wasm-pool/wasm-adapter';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';

const require = createRequire(import.meta.url);
const path = (name: string) => require.resolve(name);

/** What emscripten asks of who instantiates in its place. */
function instantiateWasm(module: WebAssembly.Module, instance: WasmInstance<never>) {
  return (
    imports: WasmImports,
    done: (made: WebAssembly.Instance, of: WebAssembly.Module) => void,
  ) => {
    const made = instance.link(imports);
    done(made, module);
    return made.exports;
  };
}

const loading = (module: WebAssembly.Module, instance: unknown) => ({
  instantiateWasm: instantiateWasm(module, instance as WasmInstance<never>),
});

describe('@jsquash/qoi, an image codec in C++', () => {
  interface Encoder {
    encode(pixels: Uint8Array, width: number, height: number): Uint8Array;
  }
  interface Decoder {
    decode(bytes: Uint8Array): { data: Uint8ClampedArray } | null;
  }
  type Loader<T> = (options: object) => Promise<T>;

  const pool = async <T>(codec: 'enc' | 'dec') => {
    const name = `@jsquash/qoi/codec/${codec}/qoi_${codec}`;
    const { default: load }: { default: Loader<T> } = await import(path(`${name}.js`));
    return createWasmPool<T>(readFileSync(path(`${name}.wasm`)), {
      instantiate: (module, instance) => load(loading(module, instance)),
      max: 3,
    });
  };

  beforeAll(() => {
    // The decoder makes its result by this class of browsers.
    class ImageData {
      readonly data: Uint8ClampedArray;
      constructor(data: Uint8ClampedArray) {
        this.data = data;
      }
    }
    vi.stubGlobal('ImageData', ImageData);
  });
  afterAll(() => {
    vi.unstubAllGlobals();
  });

  test('encodes and decodes many images at once, in three instances of each', async () => {
    await using encoders = await pool<Encoder>('enc');
    await using decoders = await pool<Decoder>('dec');
    const images = Array.from({ length: 24 }, (_, seed) => {
      const [width, height] = [40 + seed, 30];
      const pixels = new Uint8Array(width * height * 4);
      for (let at = 0; at < pixels.length; at++) pixels[at] = (at * (seed + 1) * 31) >> 3;
      return { width, height, pixels };
    });
    const used = new Set<number>();
    const roundTrips = await Promise.all(
      images.map(async ({ width, height, pixels }) => {
        const encoded = await encoders.use(async ({ id, exports }) => {
          used.add(id);
          await Promise.resolve(); // so that others get their turn meanwhile
          return exports.encode(pixels, width, height);
        });
        expect(Buffer.from(encoded).toString('latin1', 0, 4)).toBe('qoif');
        return decoders.use(({ exports }) => exports.decode(encoded)?.data);
      }),
    );
    expect(used.size).toBe(3);
    for (const [index, data] of roundTrips.entries()) {
      expect(Buffer.from(data ?? []).equals(images[index]?.pixels ?? Buffer.alloc(1))).toBe(true);
    }
    expect(await encoders.use((instance) => instance.memoryBytes)).toBeGreaterThan(0);
    expectAtRest(encoders);
    expectAtRest(decoders);
  });

  test('that is given what is no image is kept: it says so by its result', async () => {
    await using decoders = await pool<Decoder>('dec');
    const decoded = await decoders.use(({ exports }) => exports.decode(Buffer.from('no image')));
    expect(decoded?.data).toHaveLength(0);
    expect(decoders.stats().destroyed).toBe(0);
  });

  test('that throws through its instance is replaced', async () => {
    await using encoders = await pool<Encoder>('enc');
    // No bytes: embind throws, from inside of the module or before it is reached.
    const error = await failure(
      encoders.use(({ exports }) => exports.encode(42 as unknown as Uint8Array, 1, 1)),
    );
    expect(error).toBeInstanceOf(Error);
    expectAtRest(encoders);
    const encoded = await encoders.use(({ exports }) => exports.encode(new Uint8Array(4), 1, 1));
    expect(encoded.length).toBeGreaterThan(14);
  });
});

describe('QuickJS, which calls back into the host', () => {
  // Its types are those of CommonJS, where the default export is a property.
  const variant = quickjsVariant as unknown as QuickJSSyncVariant;

  const pool = () =>
    createWasmPool<QuickJSWASMModule, { user: string }>(
      readFileSync(path('@jitl/quickjs-wasmfile-release-sync/wasm')),
      {
        instantiate: (module, instance) =>
          newQuickJSWASMModuleFromVariant(
            newVariant(variant, { emscriptenModule: loading(module, instance) }),
          ),
        max: 4,
      },
    );

  function run(
    { exports, context }: WasmInstance<QuickJSWASMModule, { user: string }>,
    script: string,
    log: (line: string) => void = () => {},
  ): unknown {
    using guest = exports.newContext();
    using print = guest.newFunction('log', (line) => {
      log(`${context?.user}: ${guest.getString(line)}`);
    });
    guest.setProp(guest.global, 'log', print);
    using result = guest.unwrapResult(guest.evalCode(script));
    return guest.dump(result);
  }

  test('runs many scripts at once, each of which logs for its own borrower', async () => {
    await using scripts = await pool();
    const lines: string[] = [];
    const users = Array.from({ length: 32 }, (_, index) => `user ${index}`);
    const results = await Promise.all(
      users.map((user, index) =>
        scripts.use(
          async (instance) => {
            await Promise.resolve();
            return run(
              instance,
              `log('hello'); globalThis.kept = (globalThis.kept ?? 0) + ${index}; kept`,
              (line) => lines.push(line),
            );
          },
          { context: { user } },
        ),
      ),
    );
    expect(results).toEqual(users.map((_, index) => index)); // nobody saw another's `kept`
    expect(lines.sort()).toEqual(users.map((user) => `${user}: hello`).sort());
    expect(scripts.size).toBe(4);
    expect(scripts.stats().destroyed).toBe(0);
    expectAtRest(scripts);
  });

  test('keeps the instance whose script threw: QuickJS itself is none the worse', async () => {
    await using scripts = await pool();
    const borrower = scripts.use((instance) => run(instance, 'throw new Error("own fault")'));
    await expect(borrower).rejects.toThrow('own fault');
    expect(scripts.stats().destroyed).toBe(0);
    expect(await scripts.use((instance) => run(instance, '6 * 7'))).toBe(42);
  });

  test('keeps the instance whose host function threw: QuickJS catches that', async () => {
    await using scripts = await pool();
    const result = scripts.use((instance) =>
      run(instance, 'try { log("x") } catch (error) { error.message }', () => {
        throw new Error('no disk');
      }),
    );
    expect(await result).toBe('no disk');
    expect(scripts.stats().destroyed).toBe(0);
  });

  test('cannot be called once it was returned', async () => {
    await using scripts = await pool();
    const kept = await scripts.use(({ exports }) => exports);
    expect(() => kept.newContext()).toThrow(/not on loan/);
    expectAtRest(scripts);
  });
});
