// Code is read instruction by instruction: what is in an immediate is never taken for an instruction.
import { globSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import {
  Instruction,
  InstructionReader,
} from '../../../packages/wasm-adapter/src/module/instructions.js';
import { moduleShape } from '../../../packages/wasm-adapter/src/module/module-shape.js';
import { wat } from '../../helpers/wat.js';
import { assemble, number, ONE_FUNCTION, section, TYPES, vector } from './sections.js';

/** The instructions of all function bodies, in order. */
function instructionsOf(bytes: Uint8Array): number[] {
  const found: number[] = [];
  const sections = new InstructionReader(bytes, 8);
  while (sections.at < bytes.length) {
    const id = sections.byte();
    const end = sections.unsigned() + sections.at;
    if (id === 10) {
      const reader = new InstructionReader(bytes, sections.at);
      reader.each(() => {
        const bodyEnd = reader.unsigned() + reader.at;
        reader.each(() => {
          reader.skipNumber();
          reader.valueType();
        });
        while (reader.at < bodyEnd) found.push(reader.instruction());
        expect(reader.at).toBe(bodyEnd);
        expect(found.at(-1)).toBe(Instruction.end);
      });
      expect(reader.at).toBe(end);
    }
    sections.at = end;
  }
  return found;
}

test.each([
  [
    'blocks of each type',
    '(block) (drop (block (result i32) i32.const 1)) (loop) (if (i32.const 0) (then) (else))',
  ],
  ['branches', '(block (block (br_table 0 1 0 (i32.const 1)))) (block (br_if 0 (i32.const 1)))'],
  [
    'constants whose bytes look like drops',
    '(drop (i32.const 1276)) (drop (i64.const 0x6fc)) (drop (f32.const 3e-37)) (drop (f64.const 1))',
  ],
  ['calls', '(call 0) (call_indirect (type 0) (i32.const 0))'],
  ['a tail call', '(return_call 0)'],
  ['exceptions', '(try (do (throw $t)) (catch $t) (catch_all))'],
  [
    'memories by their number',
    '(drop (i32.load $second offset=70000 (i32.const 0))) (memory.fill $second (i32.const 0) (i32.const 0) (i32.const 0))',
  ],
  [
    'tables as a whole',
    '(drop (table.grow $table (ref.null func) (i32.const 1))) (table.copy $table $table (i32.const 0) (i32.const 0) (i32.const 0))',
  ],
  [
    'vectors',
    '(drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 (v128.const i32x4 1276 1 2 3) (v128.const i32x4 1 2 3 4)))',
  ],
  [
    'lanes',
    '(drop (i32x4.extract_lane 3 (v128.load8_lane offset=4 7 (i32.const 0) (v128.const i32x4 1 2 3 4))))',
  ],
  ['relaxed vectors', '(drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 1 2 3 4)))'],
  ['atomics', '(drop (i32.atomic.rmw.add $first (i32.const 0) (i32.const 1))) (atomic.fence)'],
  [
    'a typed select',
    '(drop (select (result funcref) (ref.null func) (ref.null func) (i32.const 1)))',
  ],
])('reads %s', (_, code) => {
  const bytes = wat(`(module
    (type (func)) (tag $t) (memory $first 1) (memory $second 1) (table $table 1 funcref)
    (func ${code}))`);
  expect(WebAssembly.validate(bytes)).toBe(true);
  const found = instructionsOf(bytes);
  expect(found).not.toContain(Instruction.dataDrop);
  expect(found).not.toContain(Instruction.elemDrop);
});

test.each([
  ['struct.new and struct.get', [0xfb, 0x01, 1, 0xfb, 0x02, 1, 0, 0x1a]],
  ['array.new_fixed and array.len', [0x41, 1, 0xfb, 0x08, 2, 1, 0xfb, 0x0f, 0x1a]],
  ['array.copy', [0xd0, 2, 0x41, 0, 0xd0, 2, 0x41, 0, 0x41, 0, 0xfb, 0x11, 2, 2]],
  ['ref.test and ref.cast', [0xd0, 0x6e, 0xfb, 0x14, 1, 0x1a, 0xd0, 0x6e, 0xfb, 0x17, 0x6b, 0x1a]],
  ['br_on_cast', [0x02, 0x63, 1, 0xd0, 0x6b, 0xfb, 0x18, 3, 0, 0x6b, 1, 0x1a, 0xd0, 1, 0x0b, 0x1a]],
  ['try_table with a block type of its own', [0x02, 0x40, 0x1f, 0x40, 1, 0x02, 0, 0x0b, 0x0b]],
  ['i31', [0x41, 1, 0xfb, 0x1c, 0xfb, 0x1d, 0x1a]],
])('reads the heap: %s', (_, code) => {
  const struct = [0x5f, 1, 0x7f, 1];
  const array = [0x5e, 0x7f, 1];
  const body = [0, ...code, 0x0b];
  const bytes = assemble(
    section(1, [0x60, 0, 0], struct, array),
    ONE_FUNCTION,
    section(10, [...number(body.length), ...body]),
  );
  expect(WebAssembly.validate(bytes)).toBe(true);
  instructionsOf(bytes);
});

test('finds an instruction with a padded number, and which it is', () => {
  const body = [0, 0xfc, ...number(9, 4), 0, 0x0b];
  const bytes = assemble(TYPES, ONE_FUNCTION, section(10, [...number(body.length), ...body]));
  expect(instructionsOf(bytes)).toEqual([Instruction.dataDrop, Instruction.end]);
});

test('knows that code with an instruction that is newer than it may do anything', () => {
  const body = [0, 0xfc, ...number(99), 0x0b];
  const bytes = assemble(
    TYPES,
    ONE_FUNCTION,
    section(5, [0, 1]),
    [12, 1, 1],
    section(10, [...number(body.length), ...body]),
    section(11, [1, vector(1)]),
  );
  expect(moduleShape(bytes)).toMatchObject({ droppable: true, writesTables: true });
});

test('only says that tables are written where there is code that does so', () => {
  const module = (code: string) => wat(`(module (table 1 funcref) (func ${code}))`);
  expect(moduleShape(module('(drop (table.get 0 (i32.const 0)))')).writesTables).toBe(false);
  expect(moduleShape(module('(table.set 0 (i32.const 0) (ref.null func))')).writesTables).toBe(
    true,
  );
});

const tests = join(import.meta.dirname, '../..');
const packages = globSync(['node_modules/*', 'node_modules/@*/*'], { cwd: tests });
const real = packages.flatMap((path) => {
  const folder = realpathSync(join(tests, path));
  return globSync('**/*.wasm', { cwd: folder }).map(
    (file) => [basename(file), join(folder, file)] as const,
  );
});

test.each(real)('reads all code of a real module: %s', (_, path) => {
  const bytes = new Uint8Array(readFileSync(path));
  if (!WebAssembly.validate(bytes)) return; // a component
  expect(instructionsOf(bytes).length).toBeGreaterThan(0);
});
