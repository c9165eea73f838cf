// @wasm-fmt/gofmt: Go's own formatter, compiled by TinyGo to a module that imports nothing.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createWasmPool } from '@wasm-pool/wasm-adapter';
import { describe, expect, test } from 'vitest';
import { expectAtRest } from '../helpers/at-rest.js';
import { failure } from '../helpers/failure.js';

interface Gofmt {
  memory: WebAssembly.Memory;
  alloc(size: number): number;
  dispose(): void;
  format(): 0 | 1 | 2;
  output_ptr(): number;
  output_len(): number;
}

const directory = dirname(createRequire(import.meta.url).resolve('@wasm-fmt/gofmt'));
const bytes = readFileSync(join(directory, 'gofmt.wasm'));

function format(go: Gofmt, source: string): string {
  const input = Buffer.from(source);
  input.copy(new Uint8Array(go.memory.buffer, go.alloc(input.length), input.length));
  const result = go.format();
  try {
    if (result === 0) return source;
    const output = Buffer.from(go.memory.buffer, go.output_ptr(), go.output_len()).toString();
    if (result === 2) throw new Error(output);
    return output;
  } finally {
    go.dispose();
  }
}

describe('a module in Go', () => {
  test('formats many sources at once, in three instances', async () => {
    await using formatters = await createWasmPool<Gofmt>(bytes, { max: 3 });
    const used = new Set<number>();
    const formatted = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        formatters.use(async ({ id, exports }) => {
          used.add(id);
          await Promise.resolve();
          return format(exports, `package  p\nfunc   f${index}( )int{\nreturn ${index}}\n`);
        }),
      ),
    );
    expect(used.size).toBe(3);
    expect(formatted).toEqual(
      formatted.map((_, index) => `package p\n\nfunc f${index}() int {\n\treturn ${index}\n}\n`),
    );
    expect(formatters.stats().destroyed).toBe(0);
    expectAtRest(formatters);
  });

  test('is kept when a source does not parse: that is its result', async () => {
    await using formatters = await createWasmPool<Gofmt>(bytes);
    const error = await failure(formatters.use(({ exports }) => format(exports, 'no go')));
    expect(error.message).toContain('expected');
    expect(formatters.stats().destroyed).toBe(0);
    expect(await formatters.use(({ exports }) => format(exports, 'package p\n'))).toBe(
      'package p\n',
    );
  });

  test('is initialized before it is lent, once for each instance', async () => {
    await using formatters = await createWasmPool<Gofmt>(bytes, { min: 2 });
    expect(formatters.available).toBe(2);
  });
});
