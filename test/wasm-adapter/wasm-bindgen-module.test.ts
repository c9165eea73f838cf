// @cf-wasm/png, a PNG codec in Rust. Its glue by wasm-bindgen keeps the instance in a variable of the
// JavaScript module: several instances need the glue several times.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createWasmPool, type WasmImports, type WasmInstance } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';

const wasmPath = createRequire(import.meta.url).resolve('@cf-wasm/png/png.wasm');
const gluePath = join(dirname(wasmPath), 'png.js');
const RGBA = 6;

interface Glue {
  initSync(options: { module: WebAssembly.Module }): { readonly memory: WebAssembly.Memory };
  encode(
    image: Uint8Array,
    width: number,
    height: number,
    palette?: Uint8Array,
    trns?: Uint8Array,
    color?: number,
    depth?: number,
  ): Uint8Array;
  decode(image: Uint8Array): { image: Uint8Array; width: number; height: number };
}

/** One copy of the glue for each instance, which instantiates by itself: nothing is guarded. */
async function imported(module: WebAssembly.Module, { id }: WasmInstance<Glue>): Promise<Glue> {
  const glue: Glue = await import(
    `${pathToFileURL(gluePath).href}?instance=${Math.random()}-${id}`
  );
  return { ...glue, ...glue.initSync({ module }), encode: glue.encode, decode: glue.decode };
}

// The glue's text, as a function that returns what it exports.
const text = readFileSync(gluePath, 'utf8');
const [body = '', names = ''] = text.split(/\nexport \{/);
const glueOf = new Function('WebAssembly', `${body}\nreturn { decode, encode, initSync };`) as (
  api: object,
) => Glue;

/** The same, but what it takes for `WebAssembly.Instance` is the pool's `link`: all is guarded. */
function linked(module: WebAssembly.Module, instance: WasmInstance<Glue>): Glue {
  function Instance(_: WebAssembly.Module, imports: WasmImports) {
    return instance.link(imports);
  }
  const glue = glueOf({ Module: WebAssembly.Module, Instance });
  glue.initSync({ module });
  return glue;
}

const pixels = (seed: number, width: number, height: number) =>
  Uint8Array.from({ length: width * height * 4 }, (_, at) => (at * seed) ^ (at >> 4));

describe.each([
  ['imported once for each instance', imported, false],
  ['run with the pool as its WebAssembly', linked, true],
] as const)('a module by wasm-bindgen, with its glue %s', (_, instantiate, guarded) => {
  const codecs = () =>
    createWasmPool<Glue>(readFileSync(wasmPath), { instantiate, min: 3, max: 3 });

  test('is what the test takes it for', () => {
    expect(names).toContain('initSync');
  });

  test('encodes and decodes many images at once, in three instances', async () => {
    await using pool = await codecs();
    const used = new Set<number>();
    await Promise.all(
      Array.from({ length: 20 }, async (_none, index) => {
        const [width, height] = [16 + index, 12];
        const image = pixels(index + 1, width, height);
        const png = await pool.use(async ({ id, exports }) => {
          used.add(id);
          await Promise.resolve();
          return exports.encode(image, width, height, undefined, undefined, RGBA, 8);
        });
        expect(Buffer.from(png).toString('latin1', 1, 4)).toBe('PNG');
        const decoded = await pool.use(({ exports }) => exports.decode(png));
        expect(decoded).toMatchObject({ width, height });
        expect(Buffer.from(decoded.image).equals(image)).toBe(true);
      }),
    );
    expect(used.size).toBe(3);
    expect(pool.stats().destroyed).toBe(0);
    expectAtRest(pool);
  });

  test('counts its memory', async () => {
    await using pool = await codecs();
    expect(await pool.use((instance) => instance.memoryBytes)).toBeGreaterThan(65_536);
  });

  test(`is ${guarded ? 'kept' : 'replaced'} when what it returns makes the glue throw`, async () => {
    await using pool = await codecs();
    // An error result, which the glue throws: nothing was unwound. Only a guard can tell.
    await failure(pool.use(({ exports }) => exports.decode(Buffer.from('no png'))));
    expect(pool.stats().destroyedBy).toEqual(guarded ? {} : { threw: 1 });
    const image = pixels(3, 2, 2);
    const png = await pool.use(({ exports }) =>
      exports.encode(image, 2, 2, undefined, undefined, RGBA, 8),
    );
    expect(png.length).toBeGreaterThan(50);
  });

  test('cannot be called once it was returned', async () => {
    await using pool = await codecs();
    const kept = await pool.use(({ exports }) => exports);
    const call = () => kept.encode(pixels(1, 1, 1), 1, 1, undefined, undefined, RGBA, 8);
    expect(call).toThrow(/not on loan/);
  });
});
