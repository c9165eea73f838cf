// What the pool reads of a module's bytes, section by section, and each encoding of each of them:
// of all, V8 says that they are modules.
import { describe, expect, test } from 'vitest';
import { moduleShape } from '../../../packages/wasm-adapter/src/module/module-shape.js';
import { rewriteModule } from '../../../packages/wasm-adapter/src/module/rewrite.js';
import {
  ANYREF,
  assemble,
  body,
  custom,
  EMPTY_TYPE,
  END,
  EQREF,
  EXNREF,
  EXTERNREF,
  exported,
  F32,
  F64,
  FUNCREF,
  I31REF,
  I32,
  I64,
  NULLEXNREF,
  number,
  ONE_BODY,
  ONE_FUNCTION,
  raw,
  section,
  TYPES,
  text,
  V128,
  vector,
} from './sections.js';

/** Of a module that V8 accepts, and accepts too when its private state is exported. */
function shapeOf(bytes: Uint8Array<ArrayBuffer>) {
  const shape = moduleShape(bytes);
  const before = WebAssembly.Module.exports(new WebAssembly.Module(bytes));
  const extended = new WebAssembly.Module(rewriteModule(bytes, shape, { exportState: true }));
  const after = WebAssembly.Module.exports(extended);
  expect(after.slice(0, before.length)).toEqual(before);
  for (const { name } of after.slice(before.length)) expect(name).toMatch(/^\0wasm-pool\./);
  return shape;
}

const PAGE = 65_536;

describe('a memory', () => {
  test.each([
    ['an initial size', [0, 3], { shared: false, minBytes: 3 * PAGE }],
    ['a maximum', [1, 3, 4], { shared: false, minBytes: 3 * PAGE }],
    ['sizes of several bytes', [1, number(300), number(400)], { minBytes: 300 * PAGE }],
    ['padded sizes', [1, number(3, 5), number(4, 5)], { minBytes: 3 * PAGE }],
    ['threads that share it', [3, 1, 2], { shared: true, minBytes: PAGE }],
    ['64-bit addresses', [4, 2], { shared: false, minBytes: 2 * PAGE }],
    ['64-bit addresses and a maximum', [5, 2, number(262_144)], { minBytes: 2 * PAGE }],
    ['64-bit addresses, threads and a maximum', [7, 2, 3], { shared: true }],
  ])('with %s', (_, limits, expected) => {
    const after = section(6, [I32, 1, 0x41, 0, END]);
    const { memories, globals } = shapeOf(assemble(section(5, limits), after));
    expect(memories).toMatchObject([{ imported: false, exportedAs: [], ...expected }]);
    expect(globals).toHaveLength(1); // what follows is read from where it begins
  });

  test('with a page size of its own, which this V8 does not have yet', () => {
    const bytes = assemble(section(5, [8, 5, 0], [9, 5, 6, 0]), section(6));
    expect(WebAssembly.validate(bytes)).toBe(false);
    const { memories } = moduleShape(bytes);
    expect(memories.map((item) => item.minBytes)).toEqual([5, 5]);
  });
});

describe('a table', () => {
  const nullFunction = [0xd0, FUNCREF, END];
  test.each([
    ['of functions', [FUNCREF, 0, 2], FUNCREF],
    ['of host values, with a maximum', [EXTERNREF, 1, 2, 3], EXTERNREF],
    ['of nullable references to a type', [0x63, 0, 0, 2], 0],
    ['of references by their long name', [0x63, FUNCREF, 0, 2], FUNCREF],
    ['with 64-bit addresses', [FUNCREF, 5, 2, 3], FUNCREF],
    ['with an initial value', [0x40, 0, FUNCREF, 0, 2, nullFunction], FUNCREF],
    ['that holds no null', [0x40, 0, 0x64, 0, 0, 2, 0xd2, 0, END], 0],
    ['of exceptions', [EXNREF, 0, 2], EXNREF],
    ['of exceptions by their long name', [0x63, EXNREF, 0, 2], EXNREF],
  ])('%s', (_, table, type) => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(4, table, [FUNCREF, 0, 1]),
      section(7, exported('f', 'function', 0)),
      ONE_BODY,
    );
    const { tables } = shapeOf(bytes);
    expect(tables).toMatchObject([
      { imported: false, exportedAs: [], type },
      { imported: false, exportedAs: [], type: FUNCREF },
    ]);
  });
});

describe('a global', () => {
  const struct = [0x5f, vector([I32, 0])];
  const array = [0x5e, I32, 0];
  const i32 = [0x41, 7];
  test.each([
    ['i32', I32, [0x41, ...number(0x7f, 5).slice(0, 4), 0x07]],
    ['a padded i32', I32, [0x41, 0x81, 0x80, 0x80, 0x80, 0x00]],
    ['i64', I64, [0x42, 0x7f]],
    ['f32 with the byte of an end in it', F32, [0x43, END, END, END, END]],
    ['f64 with the byte of an end in it', F64, [0x44, END, END, END, END, END, END, END, END]],
    ['v128 with the byte of an end in it', V128, [0xfd, 12, Array(16).fill(END)]],
    ['v128 by a padded opcode', V128, [0xfd, number(12, 3), Array(16).fill(END)]],
    ['i32 of an imported one', I32, [0x23, 0]],
    ['i32 that is computed', I32, [i32, 0x23, 0, 0x6a, i32, 0x6b, i32, 0x6c]],
    ['i64 that is computed', I64, [0x42, 1, 0x42, 2, 0x7c, 0x42, 3, 0x7d, 0x42, 4, 0x7e]],
    ['a function', FUNCREF, [0xd2, 0]],
    ['a null function', FUNCREF, [0xd0, FUNCREF]],
    ['a null of a type', [0x63, 1], [0xd0, 1]],
    ['a null of a type by a padded index', [0x63, number(1, 3)], [0xd0, number(1, 3)]],
    ['a null host value', EXTERNREF, [0xd0, EXTERNREF]],
    ['a small number', I31REF, [i32, 0xfb, 0x1c]],
    ['a small number as anything', ANYREF, [i32, 0xfb, 0x1c]],
    ['a small number as something comparable', EQREF, [i32, 0xfb, 0x1c]],
    ['a struct', [0x64, 1], [i32, 0xfb, 0x00, 1]],
    ['a struct by default', [0x64, 1], [0xfb, 0x01, 1]],
    ['an array', [0x64, 2], [i32, i32, 0xfb, 0x06, 2]],
    ['an array by default', [0x64, 2], [i32, 0xfb, 0x07, 2]],
    ['an array of what is listed', [0x64, 2], [i32, i32, 0xfb, 0x08, 2, 2]],
    ['a host value of a small number', EXTERNREF, [i32, 0xfb, 0x1c, 0xfb, 0x1b]],
    ['anything of a null host value', ANYREF, [0xd0, EXTERNREF, 0xfb, 0x1a]],
    ['an exception', EXNREF, [0xd0, EXNREF]],
    ['no exception', NULLEXNREF, [0xd0, NULLEXNREF]],
  ])('of %s', (_, type, value) => {
    const bytes = assemble(
      section(1, EMPTY_TYPE, struct, array),
      section(2, [text('e'), text('g'), 3, I32, 0]),
      ONE_FUNCTION,
      section(6, [type, 1, value, END], [type, 0, value, END], [I32, 1, 0x41, 0, END]),
      section(7, exported('f', 'function', 0)),
      ONE_BODY,
    );
    const { globals, mutableHeap } = shapeOf(bytes);
    expect(globals.map((item) => item.mutable)).toEqual([false, true, false, true]);
    const flat = [type].flat(2);
    expect(globals[1]?.type).toBe(flat.length > 1 ? flat[1] : flat[0]);
    expect(mutableHeap).toBe(false);
  });

  test('of an exception by its long name has the type of one', () => {
    const bytes = assemble(section(6, [0x63, EXNREF, 1, 0xd0, EXNREF, END]));
    expect(shapeOf(bytes).globals).toMatchObject([{ mutable: true, type: EXNREF }]);
  });
});

describe('a type', () => {
  const mutableField = [0x5f, vector([I32, 0], [I64, 1])];
  test.each([
    ['a function', [0x60, vector(I32, [0x63, FUNCREF]), vector([0x64, 0], F64)], false],
    ['a struct without fields', [0x5f, vector()], false],
    ['a struct of constants', [0x5f, vector([I32, 0], [0x63, 0, 0])], false],
    ['a struct of a byte and a short', [0x5f, vector([0x78, 0], [0x77, 0])], false],
    ['a struct with a variable', mutableField, true],
    ['an array of constants', [0x5e, 0x78, 0], false],
    ['an array of variables', [0x5e, 0x63, 0, 1], true],
    ['a group', [0x4e, vector(EMPTY_TYPE, [0x5f, vector()])], false],
    ['a group with a variable in it', [0x4e, vector(EMPTY_TYPE, mutableField)], true],
    ['one that may have subtypes', [0x50, vector(), 0x5f, vector()], false],
    ['one that may not', [0x4f, vector(), mutableField], true],
    [
      'a group of subtypes',
      [0x4e, vector([0x50, vector(), 0x5f, vector()], [0x50, vector(1), mutableField])],
      true,
    ],
  ])('that is %s', (_, type, mutable) => {
    const bytes = assemble(section(1, EMPTY_TYPE, type, EMPTY_TYPE), section(5, [0, 1]));
    const { mutableHeap, memories } = shapeOf(bytes);
    expect(mutableHeap).toBe(mutable);
    expect(memories).toHaveLength(1);
  });
});

describe('segments', () => {
  const at = [0x41, 0, END];
  const long = [0x41, 0x80, 0x80, 0x00, END];
  const functions = vector(0, 0);
  const expressions = vector([0xd2, 0, END], [0xd0, FUNCREF, END]);
  const DROPS = [0xfc, 13, 0];

  test.each([
    ['0: active, of functions', [0, at, functions], false],
    ['0: at a padded offset', [number(0, 3), long, functions], false],
    ['1: passive, of functions', [1, 0, functions], true],
    ['2: active in a table, of functions', [2, 1, at, 0, functions], false],
    ['3: declared, of functions', [3, 0, functions], false],
    ['4: active, of expressions', [4, at, expressions], false],
    ['5: passive, of expressions', [5, FUNCREF, expressions], true],
    ['5: passive, of a type by its long name', [5, 0x63, FUNCREF, expressions], true],
    ['6: active in a table, of expressions', [6, 1, at, FUNCREF, expressions], false],
    ['7: declared, of expressions', [7, FUNCREF, expressions], false],
  ])('of elements, %s', (_, segment, passive) => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(4, [FUNCREF, 0, 4], [FUNCREF, 0, 4]),
      section(9, segment, [3, 0, functions]),
      section(10, body(DROPS)),
    );
    expect(shapeOf(bytes).droppable).toBe(passive);
  });

  test.each([
    ['0: active', [0, at, vector(1, 2, 3)], false],
    ['1: passive', [1, vector(1, 2, 3)], true],
    ['2: active in a memory', [2, 1, at, vector(...Array(200).fill(END))], false],
  ])('of data, %s', (_, segment, passive) => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(5, [0, 1], [0, 1]),
      raw(12, number(2)),
      section(10, body(0xfc, 9, 0)),
      section(11, segment, [0, at, vector()]),
    );
    expect(shapeOf(bytes).droppable).toBe(passive);
  });

  test('of both kinds are both read', () => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(4, [FUNCREF, 0, 4]),
      section(5, [0, 1]),
      section(9, [1, 0, functions]),
      raw(12, number(1)),
      section(10, body(0xfc, 9, 0)),
      section(11, [1, vector(1)]),
      custom('after'),
    );
    expect(shapeOf(bytes).droppable).toBe(true);
  });

  test.each([
    ['drops one', [0xfc, 9, 0], true],
    ['drops one by a padded opcode', [0xfc, number(9, 4), 0], true],
    ['drops the elements', [0xfc, number(13, 2), 0], true],
    ['copies one', [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 8, 0, 0], false],
    ['only fills', [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0], false],
    ['ends with the first byte of such an instruction', [0x42, 0xfc, 0x00, 0x1a], false],
  ])('that are passive can be dropped where the code %s', (_, code, droppable) => {
    const bytes = assemble(
      TYPES,
      ONE_FUNCTION,
      section(4, [FUNCREF, 0, 4]),
      section(5, [0, 1]),
      section(9, [1, 0, functions]),
      raw(12, number(1)),
      section(10, body(code)),
      section(11, [1, vector(1)]),
    );
    expect(shapeOf(bytes).droppable).toBe(droppable);
  });
});

describe('imports', () => {
  test('come before what the module defines, by kind', () => {
    const names = (name: string) => [text('env'), text(name)];
    const bytes = assemble(
      TYPES,
      section(
        2,
        [names('f'), 0, 0],
        [names('t'), 1, FUNCREF, 1, 2, 3],
        [names('m'), 2, 1, 1, 2],
        [names('g'), 3, I64, 1],
        [names('x'), 4, 0, 0],
        [names('r'), 3, [0x63, FUNCREF], 1],
        [names('s'), 2, 3, 1, 2],
      ),
      section(5, [0, 4]),
      section(7, exported('m', 'memory', 0), exported('own', 'memory', 2), exported('x', 'tag', 0)),
    );
    const { memories, tables, globals } = shapeOf(bytes);
    expect(memories).toMatchObject([
      { imported: true, exportedAs: ['m'], shared: false, is64Bit: false, minBytes: PAGE },
      { imported: true, exportedAs: [], shared: true, is64Bit: false, minBytes: PAGE },
      { imported: false, exportedAs: ['own'], shared: false, is64Bit: false, minBytes: 4 * PAGE },
    ]);
    expect(tables).toMatchObject([{ imported: true, exportedAs: [], type: FUNCREF }]);
    expect(globals).toEqual([
      { imported: true, exportedAs: [], type: I64, mutable: true },
      { imported: true, exportedAs: [], type: FUNCREF, mutable: true },
    ]);
  });
});

describe('exports', () => {
  test.each(['', 'plain', 'two\0parts', '\ufeffmark', '\u{1f600}', 'x'.repeat(300)])(
    'keep their names: %j',
    (name) => {
      const bytes = assemble(
        section(5, [0, 1], [0, 1]),
        section(7, exported(name, 'memory', 0), exported('again', 'memory', 0)),
      );
      const [first, second] = shapeOf(bytes).memories;
      expect(first?.exportedAs).toEqual([name, 'again']);
      expect(second?.exportedAs).toEqual([]);
      const [{ name: known } = { name: '' }] = WebAssembly.Module.exports(
        new WebAssembly.Module(bytes),
      );
      expect(known).toBe(name);
    },
  );

  const memory = section(5, [0, 1]);
  const start = raw(8, [0]);
  const elements = section(9, [3, 0, vector(0)]);
  const count = raw(12, [0]);
  const data = section(11);
  const names = custom('name', 0xff, 0xff, 0xff);
  test.each([
    ['nothing', []],
    ['a custom section', [names]],
    ['the start', [start, ONE_BODY]],
    ['segments of elements', [elements, ONE_BODY]],
    ['the number of data segments', [count, ONE_BODY, data]],
    ['the code', [ONE_BODY]],
    ['the code, and custom sections', [names, ONE_BODY, names]],
  ])('come before %s where the module has none', (_, rest) => {
    const functions = rest.flat().includes(10) ? [TYPES, ONE_FUNCTION] : [];
    shapeOf(assemble(functions, memory, rest));
    shapeOf(assemble(functions, custom('first', 7), memory, custom('x'), rest));
    shapeOf(assemble(functions, memory, section(7), rest));
    shapeOf(assemble(functions, memory, section(7, exported('m', 'memory', 0)), custom('x'), rest));
  });

  test('are added behind a section whose length and count are padded', () => {
    const entry = exported('m', 'memory', 0);
    const content = [...number(1, 5), ...entry];
    const padded = [7, ...number(content.length, 5), ...content];
    const shape = shapeOf(assemble(section(5, [0, 1], [0, 1]), padded));
    expect(shape.memories.map((item) => item.exportedAs)).toEqual([['m'], []]);
  });

  test('are as many as need two bytes to count', () => {
    const memories = Array.from({ length: 1 }, () => [0, 1]);
    const globals = Array.from({ length: 200 }, () => [I32, 1, 0x41, 0, END]);
    const entries = Array.from({ length: 127 }, (_, index) =>
      exported(`g${index}`, 'global', index),
    );
    const bytes = assemble(section(5, ...memories), section(6, ...globals), section(7, ...entries));
    const extended = new WebAssembly.Module(
      rewriteModule(bytes, shapeOf(bytes), { exportState: true }),
    );
    expect(WebAssembly.Module.exports(extended)).toHaveLength(201);
  });
});

describe('what is newer than the pool', () => {
  test.each([
    ['a type of another form', [section(1, [0x5d, 0])]],
    ['an import of another kind', [section(2, [text('e'), text('n'), 5, 0])]],
    ['another constant instruction', [section(6, [I32, 0, 0x16, END])]],
    ['another constant instruction on the heap', [section(6, [I32, 0, 0xfb, 0x7f, END])]],
    ['a section with more in it', [raw(5, [1, 0, 1, 99])]],
    ['a section that ends too early', [[5, 20, 1]]],
    ['a type with more in it', [raw(1, [1, ...EMPTY_TYPE, 1])]],
  ])('such as %s is not taken for anything else', (_, sections) => {
    expect(() => moduleShape(assemble(...sections))).toThrow(RangeError);
  });

  test('such as a section of another number is passed over', () => {
    expect(moduleShape(assemble(section(5, [0, 1]), raw(99, [1, 2, 3]))).memories).toHaveLength(1);
  });
});

describe('a tag', () => {
  test('that the module defines is passed over', () => {
    const bytes = assemble(
      TYPES,
      section(5, [0, 1]),
      section(13, [0, 0]),
      section(6, [I32, 1, 0x41, 0, END]),
      section(7, exported('t', 'tag', 0)),
    );
    expect(shapeOf(bytes).globals).toHaveLength(1);
  });
});
