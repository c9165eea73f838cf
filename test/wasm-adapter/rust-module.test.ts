// The module in source-map 0.8: Rust without wasm-bindgen, which calls the host once for each mapping.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { SourceMapGenerator } from 'source-map';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';

const bytes = readFileSync(createRequire(import.meta.url).resolve('source-map/lib/mappings.wasm'));

interface Mappings {
  memory: WebAssembly.Memory;
  allocate_mappings(size: number): number;
  parse_mappings(text: number): number;
  free_mappings(mappings: number): void;
  by_generated_location(mappings: number): void;
  get_last_error(): number;
}
/** What a borrower has done with each mapping: line, column, and the same of the original. */
type OnMapping = (...places: [number, number, number, number]) => void;

const pool = () =>
  createWasmPool<Mappings, OnMapping>(bytes, {
    max: 3,
    imports: (instance) => ({
      env: {
        mapping_callback(line: number, column: number, ...more: number[]) {
          const [, , hasOriginal, , originalLine = 0, originalColumn = 0] = more;
          if (hasOriginal) instance.context?.(line + 1, column, originalLine + 1, originalColumn);
        },
      },
    }),
  });

function read(exports: Mappings, mappings: string): void {
  const at = exports.allocate_mappings(mappings.length) >>> 0;
  Buffer.from(exports.memory.buffer, at).write(mappings, 'latin1');
  const parsed = exports.parse_mappings(at);
  if (parsed === 0) throw new Error(`parse error ${exports.get_last_error()}`);
  exports.by_generated_location(parsed);
  exports.free_mappings(parsed);
}

function sourceMap(seed: number): { mappings: string; places: number[][] } {
  const generator = new SourceMapGenerator({ file: 'out.js' });
  const places = Array.from({ length: 200 }, (_, index) => [
    index + 1,
    (index * seed) % 90,
    2 * index + seed,
    (index * 7) % 60,
  ]);
  for (const [line = 0, column = 0, originalLine = 0, originalColumn = 0] of places) {
    generator.addMapping({
      source: 'in.ts',
      generated: { line, column },
      original: { line: originalLine, column: originalColumn },
    });
  }
  return { mappings: generator.toJSON().mappings, places };
}

describe('a module in Rust that calls the host for each thing it finds', () => {
  test('calls back its own borrower, of many at once', async () => {
    await using readers = await pool();
    await Promise.all(
      Array.from({ length: 30 }, async (_, index) => {
        const { mappings, places } = sourceMap(index + 1);
        const found: number[][] = [];
        await readers.use(
          async ({ exports }) => {
            await Promise.resolve();
            read(exports, mappings);
          },
          { context: (...place) => found.push(place) },
        );
        expect(found).toEqual(places);
      }),
    );
    expect(readers.size).toBe(3);
    expect(readers.stats().destroyed).toBe(0);
    expectAtRest(readers);
  });

  test('is kept when it says that its input is wrong', async () => {
    await using readers = await pool();
    const error = await failure(readers.use(({ exports }) => read(exports, '!!!')));
    expect(error.message).toMatch(/parse error \d/);
    expect(readers.stats().destroyed).toBe(0);
  });

  test('is replaced when its borrower throws out of the callback', async () => {
    await using readers = await pool();
    const { mappings } = sourceMap(1);
    const stop = new Error('found it');
    const context: OnMapping = () => {
      throw stop;
    };
    const borrower = readers.use(({ exports }) => read(exports, mappings), { context });
    expect(await failure(borrower)).toBe(stop);
    expect(readers.stats().destroyedBy).toEqual({ trap: 1 });
    expectAtRest(readers);
  });
});
