// Random modules with all kinds of state, private and exported, and exports that read and write it.
import fc from 'fast-check';
import { wat } from '../../helpers/wat.js';

/** A call of an export. */
export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** A module, and calls that make sense for it. */
export interface RandomGuest {
  readonly text: string;
  readonly exports: readonly string[];
  readonly memoryBytes: number;
  readonly calls: fc.Arbitrary<Call[]>;
}

const PAGE = 65_536;
const HOST_VALUES = [null, undefined, 0, -0, 1, Number.NaN, 'text', 10n, Symbol.for('s'), {}];

const i32 = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer());
const i64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 5n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
const host = fc.constantFrom(...HOST_VALUES);

const numeric = {
  i32: i32 as fc.Arbitrary<unknown>,
  i64: i64 as fc.Arbitrary<unknown>,
  f32: fc.float() as fc.Arbitrary<unknown>,
  f64: fc.double() as fc.Arbitrary<unknown>,
};
type Numeric = keyof typeof numeric;
type Reference = 'funcref' | 'externref';

const maybeNames = fc.subarray(['', 'same'], { minLength: 0 });
const types = fc.constantFrom<Numeric | Reference>(
  'i32',
  'i64',
  'f32',
  'f64',
  'funcref',
  'externref',
);

const memories = fc.array(
  fc.record({
    pages: fc.integer({ min: 0, max: 2 }),
    more: fc.integer({ min: 0, max: 2 }),
    names: maybeNames,
  }),
  { maxLength: 3 },
);
const globals = fc.array(
  fc.record({
    type: types,
    mutable: fc.boolean(),
    names: maybeNames,
    value: fc.integer({ min: 0, max: 9 }),
  }),
  { maxLength: 5 },
);
const tables = fc.array(
  fc.record({
    type: fc.constantFrom<Reference>('funcref', 'externref'),
    size: fc.integer({ min: 0, max: 4 }),
    names: maybeNames,
  }),
  { maxLength: 3 },
);

/** Where in a memory the calls read and write: mostly where something is. */
const address = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: PAGE - 8, max: PAGE + 8 }),
  fc.integer({ min: 0, max: 4 * PAGE }),
);

/** Random guests; `growing`: with calls that make memories and tables larger. */
export function guests(growing: boolean): fc.Arbitrary<RandomGuest> {
  return fc
    .record({ memories, globals, tables, passive: fc.boolean(), drops: fc.boolean() })
    .map((plan) => guest(plan, growing));
}

interface Plan {
  readonly memories: readonly { pages: number; more: number; names: string[] }[];
  readonly globals: readonly {
    type: Numeric | Reference;
    mutable: boolean;
    names: string[];
    value: number;
  }[];
  readonly tables: readonly { type: Reference; size: number; names: string[] }[];
  readonly passive: boolean;
  readonly drops: boolean;
}

function guest(plan: Plan, growing: boolean): RandomGuest {
  const fields: string[] = [];
  const starts: string[] = [];
  const calls: fc.Arbitrary<Call>[] = [];

  const call = (name: string, ...args: fc.Arbitrary<unknown>[]) => {
    calls.push(fc.record({ name: fc.constant(name), args: fc.tuple(...args) }));
  };
  const exportsOf = (what: string, own: readonly string[]) => {
    return own.map((name) => `(export "${what}${name}")`).join('');
  };
  const argumentOf = (type: Numeric | Reference) =>
    type === 'externref'
      ? host
      : type === 'funcref'
        ? fc.integer({ min: 0, max: 3 })
        : numeric[type];
  /** Functions are given by their number: from without, only exported ones can be had. */
  const parameter = (type: Numeric | Reference) => (type === 'funcref' ? 'i32' : type);
  const given = (type: Numeric | Reference, at: number) =>
    type === 'funcref' ? `(table.get $all (local.get ${at}))` : `(local.get ${at})`;
  const initial = (type: Numeric | Reference, value: number) => {
    if (type === 'externref') return '(ref.null extern)';
    if (type === 'funcref') return value % 2 ? `(ref.func $f${value % 3})` : '(ref.null func)';
    return `(${type}.const ${value})`;
  };

  for (const [index, { type, mutable, names: own, value }] of plan.globals.entries()) {
    const is = mutable ? `(mut ${type})` : type;
    fields.push(`(global $g${index} ${exportsOf(`g${index}`, own)} ${is} ${initial(type, value)})`);
    fields.push(`(func (export "get${index}") (result ${type}) (global.get $g${index}))`);
    call(`get${index}`);
    if (!mutable) continue;
    fields.push(
      `(func (export "set${index}") (param ${parameter(type)}) (global.set $g${index} ${given(type, 0)}))`,
    );
    call(`set${index}`, argumentOf(type));
  }
  for (const [index, { pages, more, names: own }] of plan.memories.entries()) {
    fields.push(`(memory $m${index} ${exportsOf(`m${index}`, own)} ${pages} ${pages + more})`);
    // wabt cannot write active segments for any memory but the first.
    if (pages > 0 && index === 0) fields.push('(data (i32.const 3) "data of the first")');
    else if (pages > 0) starts.push(`(i32.store $m${index} (i32.const 9) (i32.const -1))`);
    fields.push(`(func (export "store${index}") (param i32 i32) (i32.store8 $m${index} (local.get 0) (local.get 1)))
      (func (export "load${index}") (param i32) (result i32) (i32.load8_u $m${index} (local.get 0)))
      (func (export "fill${index}") (param i32 i32 i32)
        (memory.fill $m${index} (local.get 0) (local.get 1) (local.get 2)))
      (func (export "pages${index}") (result i32) (memory.size $m${index}))`);
    call(`store${index}`, address, i32);
    call(`load${index}`, address);
    call(`fill${index}`, address, i32, address);
    call(`pages${index}`);
    if (growing) {
      fields.push(`(func (export "grow${index}") (param i32) (result i32)
        (memory.grow $m${index} (local.get 0)))`);
      call(`grow${index}`, fc.integer({ min: 0, max: 2 }));
    }
    if (plan.passive) {
      fields.push(`(func (export "copy${index}") (param i32 i32)
        (memory.init $m${index} $passive (local.get 0) (i32.const 0) (local.get 1)))`);
      call(`copy${index}`, address, fc.integer({ min: 0, max: 9 }));
    }
  }
  if (plan.passive && plan.memories.length > 0) {
    fields.push('(data $passive "passive!")');
    if (plan.drops) {
      fields.push('(func (export "drop") (data.drop $passive))');
      call('drop');
    }
  }
  for (const [index, { type, size, names: own }] of plan.tables.entries()) {
    fields.push(`(table $t${index} ${exportsOf(`t${index}`, own)} ${size} ${type})`);
    if (type === 'funcref' && size > 1) {
      fields.push(`(elem (table $t${index}) (i32.const 1) func $f1)`);
    }
    fields.push(`(func (export "put${index}") (param i32 ${parameter(type)})
        (table.set $t${index} (local.get 0) ${given(type, 1)}))
      (func (export "take${index}") (param i32) (result ${type}) (table.get $t${index} (local.get 0)))
      (func (export "size${index}") (result i32) (table.size $t${index}))`);
    const slot = fc.integer({ min: 0, max: size });
    call(`put${index}`, slot, argumentOf(type));
    call(`take${index}`, slot);
    call(`size${index}`);
    if (growing) {
      fields.push(`(func (export "widen${index}") (param ${parameter(type)} i32) (result i32)
        (table.grow $t${index} ${given(type, 0)} (local.get 1)))`);
      call(`widen${index}`, argumentOf(type), fc.integer({ min: 0, max: 2 }));
    }
  }
  fields.push('(func (export "nothing"))');
  call('nothing');
  const text = `(module
    (func $f0 (result i32) (i32.const 100))
    (func $f1 (result i32) (i32.const 101))
    (func $f2 (result i32) (i32.const 102))
    ${fields.join('\n')}
    (func $start ${starts.join('\n')}) (start $start)
    (table $all 4 funcref) (elem (table $all) (i32.const 0) func $f0 $f1 $f2))`;
  const pages = plan.memories.reduce((sum, memory) => sum + memory.pages, 0);
  return {
    text,
    exports: WebAssembly.Module.exports(new WebAssembly.Module(wat(text))).map(({ name }) => name),
    memoryBytes: pages * PAGE,
    calls: fc.array(fc.oneof(...calls), { maxLength: 12 }),
  };
}

/** What calls come to, in terms that are the same for two instances. */
export function outcomes(exports: WebAssembly.Exports, calls: readonly Call[]): unknown[] {
  return calls.map(({ name, args }) => {
    try {
      const result: unknown = (exports[name] as (...args: readonly unknown[]) => unknown)(...args);
      return typeof result === 'function' ? `function of ${String(result())}` : result;
    } catch (error) {
      return new Thrown(String(error));
    }
  });
}

/** An error, in terms that are the same for two instances. */
class Thrown {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Whether the outcome of a call was an error. */
export function isError(outcome: unknown): boolean {
  return outcome instanceof Thrown;
}
