// A guard that is itself an exported function, for loaders that put exports into tables, hand them to
// WebAssembly.promising, or link other modules with them. It is a module of one function for each
// exported one, of the same type:
//
//   f'(args…):  if depth = 0 or not open { if not enter() return zeros }
//               depth += 1; results = f(args…); depth -= 1; return results
//
// An exception that unwinds through it leaves `depth` above 0, which is how it is noticed: code of
// WebAssembly cannot catch a trap.
import { concat, unsignedLeb, utf8WithLength } from './byte-writer.js';
import { InstructionReader } from './instructions.js';
import type { ModuleShape } from './module-shape.js';

/** A function type: how many parameters, and the result types as they are written. */
interface FunctionType {
  readonly parameters: number;
  readonly results: readonly Uint8Array[];
}

/** The names under which a trampoline module imports what it needs, beside the functions by `'f'` and number. */
export const TRAMPOLINE_IMPORTS = { enter: 'enter', depth: 'depth', open: 'open' } as const;

/** What of the trampolines' module is imported before the functions: `enter`, which is function 0. */
const FUNCTIONS_BEFORE = 1;

/**
 * The bytes of a module with a trampoline for each of these exported functions, exported under the same
 * names; the functions themselves are imported from `f` by their place in `names`. Undefined where a
 * type of theirs is not understood.
 */
export function trampolineModule(
  { functions }: ModuleShape,
  names: readonly string[],
): Uint8Array<ArrayBuffer> | undefined {
  const { typeSection, exportedTypes } = functions;
  const types = readTypes(typeSection);
  const typeOf = (name: string) => exportedTypes.get(name) ?? -1;
  if (names.some((name) => types[typeOf(name)] === undefined)) return undefined;
  const count = names.length;

  const own = new InstructionReader(typeSection);
  const groups = own.unsigned();
  const enterType = Uint8Array.of(0x60, 0, 1, 0x7f); // () -> i32
  const typeContent = concat(unsignedLeb(groups + 1), typeSection.subarray(own.at), enterType);

  const text = utf8WithLength;
  const global = (name: string) => concat(text('g'), text(name), Uint8Array.of(3, 0x7f, 1));
  const imports = [
    concat(text('g'), text(TRAMPOLINE_IMPORTS.enter), Uint8Array.of(0), unsignedLeb(types.length)),
    ...names.map((name, index) =>
      concat(text('f'), text(String(index)), Uint8Array.of(0), unsignedLeb(typeOf(name))),
    ),
    global(TRAMPOLINE_IMPORTS.depth),
    global(TRAMPOLINE_IMPORTS.open),
  ];
  const first = FUNCTIONS_BEFORE + count;
  return concat(
    Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00),
    section(1, [typeContent]),
    section(2, [unsignedLeb(imports.length), ...imports.values()]),
    section(3, [unsignedLeb(count), ...names.map((name) => unsignedLeb(typeOf(name)))]),
    section(7, [
      unsignedLeb(count),
      ...names.map((name, index) =>
        concat(text(name), Uint8Array.of(0), unsignedLeb(first + index)),
      ),
    ]),
    section(10, [
      unsignedLeb(count),
      ...names.map((name, index) =>
        body(types[typeOf(name)] as FunctionType, FUNCTIONS_BEFORE + index),
      ),
    ]),
  );
}

function section(id: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(parts);
  return concat(Uint8Array.of(id), unsignedLeb(content.length), content);
}

/** Global 0 is `depth`, and 1 is `open`. WebAssembly Core, 5.4 "Instructions". */
function body({ parameters, results }: FunctionType, callee: number): Uint8Array {
  const zeros = results.map(zero);
  const locals = Array.from({ length: parameters }, (_, index) =>
    concat(Uint8Array.of(0x20), unsignedLeb(index)),
  );
  const code = concat(
    Uint8Array.of(0), // no locals
    // if (depth = 0 or open = 0)
    Uint8Array.of(0x23, 0, 0x45, 0x23, 1, 0x45, 0x72, 0x04, 0x40),
    // if (enter() = 0) return zeros
    Uint8Array.of(0x10, 0, 0x45, 0x04, 0x40),
    zeros,
    Uint8Array.of(0x0f, 0x0b, 0x0b),
    Uint8Array.of(0x23, 0, 0x41, 1, 0x6a, 0x24, 0),
    locals,
    Uint8Array.of(0x10),
    unsignedLeb(callee),
    Uint8Array.of(0x23, 0, 0x41, 1, 0x6b, 0x24, 0, 0x0b),
  );
  return concat(unsignedLeb(code.length), code);
}

/** An instruction that gives the zero of a type. Of a reference that cannot be null there is none: it traps. */
function zero(type: Uint8Array): Uint8Array {
  switch (type[0]) {
    case 0x7f: // i32.const 0
      return Uint8Array.of(0x41, 0);
    case 0x7e: // i64.const 0
      return Uint8Array.of(0x42, 0);
    case 0x7d: // f32.const 0
      return Uint8Array.of(0x43, 0, 0, 0, 0);
    case 0x7c: // f64.const 0
      return Uint8Array.of(0x44, 0, 0, 0, 0, 0, 0, 0, 0);
    case 0x7b: // v128.const 0
      return concat(Uint8Array.of(0xfd, 12), new Uint8Array(16));
    case 0x64: // (ref heap type)
      return Uint8Array.of(0x00);
    case 0x63: // (ref null heap type)
      return concat(Uint8Array.of(0xd0), type.subarray(1));
    default: // the short name of a reference that may be null is its heap type's
      return concat(Uint8Array.of(0xd0), type);
  }
}

/** The types of a module by their index; undefined for one that is no function's. */
function readTypes(typeSection: Uint8Array): (FunctionType | undefined)[] {
  const types: (FunctionType | undefined)[] = [];
  const reader = new InstructionReader(typeSection);
  const readField = () => {
    reader.valueType();
    reader.byte(); // whether it is mutable
  };
  const readFunction = (): FunctionType => {
    let parameters = 0;
    reader.each(() => {
      reader.valueType();
      parameters++;
    });
    const results: Uint8Array[] = [];
    reader.each(() => {
      const start = reader.at;
      reader.valueType();
      results.push(typeSection.subarray(start, reader.at));
    });
    return { parameters, results };
  };
  const readType = () => {
    let form = reader.byte();
    if (form === 0x4e) {
      reader.each(readType); // a recursive group
      return;
    }
    if (form === 0x50 || form === 0x4f) {
      reader.each(() => reader.skipNumber()); // supertypes
      form = reader.byte();
    }
    types.push(form === 0x60 ? readFunction() : undefined);
    if (form === 0x5f) reader.each(readField);
    if (form === 0x5e) readField();
  };
  reader.each(readType);
  return types;
}
