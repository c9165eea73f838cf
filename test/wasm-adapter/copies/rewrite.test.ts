// A rewritten module is valid, does what it was rewritten for, and is the author's otherwise.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import wabt from 'wabt';
import { moduleShape } from '../../../packages/wasm-adapter/src/module/module-shape.js';
import {
  functionExportName,
  PRIVATE_START,
} from '../../../packages/wasm-adapter/src/module/private-exports.js';
import {
  type ModuleChanges,
  type NewLimits,
  rewriteModule,
} from '../../../packages/wasm-adapter/src/module/rewrite.js';
import { features, wat } from '../../helpers/wat.js';
import { guests } from '../reset/guests.js';
import {
  assemble,
  custom,
  END,
  FUNCREF,
  number,
  ONE_BODY,
  ONE_FUNCTION,
  section,
  TYPES,
  text,
} from '../reset/sections.js';

const PAGE = 65_536;
const { readWasm } = await wabt();

function rewritten(bytes: Uint8Array<ArrayBuffer>, changes: ModuleChanges): WebAssembly.Exports {
  const changed = rewriteModule(bytes, moduleShape(bytes), changes);
  return new WebAssembly.Instance(new WebAssembly.Module(changed)).exports;
}

type Fn = (...args: unknown[]) => unknown;
const call = (exports: WebAssembly.Exports, name: string, ...args: unknown[]) =>
  (exports[name] as Fn)(...args);

/** The sections of a module, each with its header. */
function sections(bytes: Uint8Array): { id: number; bytes: Uint8Array }[] {
  const found: { id: number; bytes: Uint8Array }[] = [];
  for (let at = 8; at < bytes.length; ) {
    const start = at;
    const id = bytes[at++] as number;
    let size = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] as number;
      size += (byte % 128) * shift;
      if (byte < 128) break;
    }
    at += size;
    found.push({ id, bytes: bytes.subarray(start, at) });
  }
  return found;
}

describe('any module, with any changes', () => {
  const limits = fc.record(
    { min: fc.integer({ min: 0, max: 3 }), max: fc.integer({ min: 0, max: 5 }) },
    { requiredKeys: [] },
  );
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const changes = fc.record({
    exportState: fc.boolean(),
    referenced: fc.boolean(),
    start: fc.constantFrom(undefined, 'drop' as const, 'export' as const),
    memory: maybe(limits),
    table: maybe(limits),
    emptyData: fc.boolean(),
  });

  test('is valid, and has the sections that no change concerns byte for byte', () => {
    fc.assert(
      fc.property(guests(true), changes, (guest, given) => {
        const bytes = wat(guest.text);
        const shape = moduleShape(bytes);
        const times = (by: number, { min, max }: NewLimits): NewLimits => ({
          min: min && min * by,
          max: max && max * by,
        });
        const { memory, table } = given;
        const changed = rewriteModule(bytes, shape, {
          ...given,
          exportFunctions: given.referenced ? shape.functions.referenced : [],
          memoryLimits: memory && (() => times(PAGE, memory)),
          tableLimits: table && (() => table),
        });
        expect(WebAssembly.validate(changed)).toBe(true);
        const parsed = readWasm(changed, features);
        if (shape.memories.length <= 1) parsed.validate(); // wabt's validator knows no more
        parsed.destroy();
        const [before, after] = [bytes, changed].map((it) => new WebAssembly.Module(it));
        if (before === undefined || after === undefined) throw new Error('two were made');
        expect(WebAssembly.Module.imports(after)).toEqual(WebAssembly.Module.imports(before));
        const exportsBefore = WebAssembly.Module.exports(before);
        expect(WebAssembly.Module.exports(after).slice(0, exportsBefore.length)).toEqual(
          exportsBefore,
        );
        const concerned = [
          ...(given.exportState || given.referenced || given.start === 'export' ? [7] : []),
          ...(given.start ? [8] : []),
          ...(memory ? [5] : []),
          ...(table ? [4] : []),
          ...(given.emptyData ? [11] : []),
        ];
        const others = (of: Uint8Array) => sections(of).filter(({ id }) => !concerned.includes(id));
        expect(others(changed)).toEqual(others(bytes));
        // And once more, which is what happens to a module that was limited before.
        const again = rewriteModule(changed, moduleShape(changed), { exportState: true });
        expect(WebAssembly.validate(again)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('is the very same bytes where nothing is changed', () => {
    const bytes = wat('(module (memory (export "m") 1) (func (export "f")))');
    const shape = moduleShape(bytes);
    expect(rewriteModule(bytes, shape, {})).toBe(bytes);
    const nothingToDo: ModuleChanges = {
      exportState: true,
      exportFunctions: [0],
      start: 'drop',
      memoryLimits: () => ({ min: PAGE }),
      tableLimits: () => ({ max: 1 }),
      emptyData: true,
    };
    expect(rewriteModule(bytes, shape, nothingToDo)).toBe(bytes);
  });

  test('keeps padded numbers and custom sections wherever they stand', () => {
    const padded = [3, ...number(2, 5), 1, 0];
    const bytes = assemble(
      custom('first', 1, 2, 3),
      TYPES,
      padded,
      custom('second', 4),
      section(5, [0, 1]),
      ONE_BODY,
      custom('name', [0, ...number(2), ...text('x')]),
    );
    const changed = rewriteModule(bytes, moduleShape(bytes), { exportState: true });
    const kept = sections(changed).filter(({ id }) => id !== 7);
    expect(kept).toEqual(sections(bytes));
    // Exports stand where the format wants them: behind the memories, in front of the code.
    expect(sections(changed).map(({ id }) => id)).toEqual([0, 1, 3, 0, 5, 7, 10, 0]);
  });
});

describe('the start function', () => {
  const counting = wat(`(module (global $runs (export "runs") (mut i32) (i32.const 0))
    (func $start (global.set $runs (i32.add (global.get $runs) (i32.const 1)))) (start $start))`);
  const runs = (exports: WebAssembly.Exports) => (exports.runs as WebAssembly.Global).value;

  test('runs unless it is dropped', () => {
    expect(runs(rewritten(counting, {}))).toBe(1);
    expect(runs(rewritten(counting, { start: 'drop' }))).toBe(0);
  });

  test('runs when the host calls it, once it is an export', () => {
    const exports = rewritten(counting, { start: 'export' });
    expect(runs(exports)).toBe(0);
    call(exports, PRIVATE_START);
    expect(runs(exports)).toBe(1);
  });

  test('is exported of no module that has none', () => {
    const bytes = wat('(module (func (export "f")))');
    expect(rewriteModule(bytes, moduleShape(bytes), { start: 'export' })).toBe(bytes);
  });
});

describe('a memory', () => {
  const grower = (declared: string) =>
    wat(`(module (memory (export "m") ${declared})
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`);

  test.each([
    ['without a maximum', '1'],
    ['with a larger maximum', '1 100'],
  ])('%s grows to the new maximum, and no further', (_, declared) => {
    const exports = rewritten(grower(declared), { memoryLimits: () => ({ max: 3 * PAGE + 5 }) });
    expect(call(exports, 'grow', 2)).toBe(1);
    expect(call(exports, 'grow', 1)).toBe(-1);
    expect(() => (exports.m as WebAssembly.Memory).grow(1)).toThrow(RangeError);
  });

  test('keeps a maximum that is smaller, and a minimum that is larger', () => {
    const small = rewritten(grower('1 2'), { memoryLimits: () => ({ max: 50 * PAGE }) });
    expect(call(small, 'grow', 2)).toBe(-1);
    const large = rewritten(grower('4'), { memoryLimits: () => ({ max: PAGE }) });
    expect((large.m as WebAssembly.Memory).buffer.byteLength).toBe(4 * PAGE);
    expect(call(large, 'grow', 1)).toBe(-1);
  });

  test('begins at the new minimum, within its maximum', () => {
    const begun = (declared: string) =>
      (
        rewritten(grower(declared), { memoryLimits: () => ({ min: 7 * PAGE }) })
          .m as WebAssembly.Memory
      ).buffer.byteLength / PAGE;
    expect(begun('1')).toBe(7);
    expect(begun('9')).toBe(9);
    expect(begun('1 5')).toBe(5);
  });

  test('is limited each by its number, imported ones not, and with 64-bit addresses too', () => {
    const bytes = wat(`(module (import "e" "m" (memory 1)) (memory (export "a") 1)
      (memory (export "b") i64 1)
      (func (export "growA") (result i32) (memory.grow 1 (i32.const 1)))
      (func (export "growB") (result i64) (memory.grow 2 (i64.const 1))))`);
    const seen: number[] = [];
    const changed = rewriteModule(bytes, moduleShape(bytes), {
      memoryLimits: (index) => {
        seen.push(index);
        return { max: index * PAGE };
      },
    });
    expect(seen).toEqual([1, 2]);
    const m = new WebAssembly.Memory({ initial: 1 });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(changed), { e: { m } });
    expect([call(exports, 'growA'), call(exports, 'growB'), call(exports, 'growB')]).toEqual([
      -1,
      1n,
      -1n,
    ]);
  });
});

describe('a table', () => {
  test('grows to the new maximum, and no further', () => {
    const bytes = wat(`(module (table $t 1 funcref)
      (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))`);
    const exports = rewritten(bytes, { tableLimits: () => ({ max: 4 }) });
    expect([call(exports, 'grow', 3), call(exports, 'grow', 1)]).toEqual([1, -1]);
  });

  test('keeps the value that its elements have at the start', () => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(4, [0x40, 0, 0x64, 0, 0, 2, 0xd2, 0, END], [FUNCREF, 0, 1]),
      ONE_BODY,
    );
    const exports = rewritten(bytes, {
      exportState: true,
      exportFunctions: [0],
      tableLimits: (index) => ({ min: 3 + index }),
    });
    const [, second] = Object.values(exports).filter((it) => it instanceof WebAssembly.Table);
    const [first] = Object.values(exports).filter((it) => it instanceof WebAssembly.Table);
    const own = Object.values(exports).find((it) => typeof it === 'function');
    expect([first?.length, second?.length]).toEqual([3, 4]);
    expect([first?.get(0), first?.get(2), second?.get(0)]).toEqual([own, own, null]);
  });
});

describe('data', () => {
  test('of active segments is not written, of passive ones is there still', () => {
    const bytes = wat(`(module (memory (export "m") 1)
      (data (i32.const 8) "active") (data $p "passive")
      (func (export "init") (memory.init $p (i32.const 20) (i32.const 0) (i32.const 7))))`);
    const exports = rewritten(bytes, { emptyData: true });
    const seen = () =>
      new TextDecoder().decode(
        new Uint8Array((exports.m as WebAssembly.Memory).buffer).subarray(0, 27),
      );
    expect(seen()).toBe('\0'.repeat(27));
    call(exports, 'init');
    expect(seen()).toBe(`${'\0'.repeat(20)}passive`);
  });

  test('of a memory with 64-bit addresses, of another, and of one without a page', () => {
    const second = [2, 1, 0x41, 5, END, 3, 1, 2, 3];
    const bytes = assemble(
      section(5, [4, 1], [0, 1]),
      section(11, [0, 0x42, 3, END, 2, 7, 7], second),
    );
    const exports = rewritten(bytes, { emptyData: true, exportState: true });
    const memories = Object.values(exports).filter((it) => it instanceof WebAssembly.Memory);
    expect(memories).toHaveLength(2);
    for (const { buffer } of memories)
      expect(new Uint8Array(buffer).every((it) => it === 0)).toBe(true);
    const empty = assemble(section(5, [0, 0]), section(11, [0, 0x41, 0, END, 0]));
    rewritten(empty, { emptyData: true });
  });
});

describe('functions', () => {
  const bytes = wat(`(module
    (import "e" "host" (func $host))
    (func $a) (func $b (export "b")) (func $c) (func $unused)
    (table (export "t") 4 funcref)
    (global funcref (ref.func $c))
    (elem (i32.const 0) func $a $b $host) (elem declare func $c))`);
  const shape = moduleShape(bytes);

  test('that can be referred to are known: those of segments and of initial values', () => {
    expect([...shape.functions.referenced].sort()).toEqual([0, 1, 2, 3]);
    expect([...shape.functions.exportedAs]).toEqual([[2, 'b']]);
  });

  test('are exported as the very objects that a table gives', () => {
    const changed = rewriteModule(bytes, shape, { exportFunctions: shape.functions.referenced });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(changed), {
      e: { host() {} },
    });
    const named = (index: number) => exports[functionExportName(index, shape)];
    const table = exports.t as WebAssembly.Table;
    expect(table.get(0)).toBe(named(1));
    expect(table.get(1)).toBe(exports.b);
    expect(table.get(1)).toBe(named(2));
    expect(table.get(2)).toBe(named(0));
    expect(named(4)).toBeUndefined();
  });
});
