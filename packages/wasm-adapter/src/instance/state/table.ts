// The elements of one table.
//
// Elements are references: to functions of the instance itself, to functions of others, or of a
// table of `externref` to anything in JavaScript. To put a table back as it was, the references are
// kept as they are. To give the table of another instance the like, see value.ts.
//
// A table of 64-bit addresses takes its indices as BigInts: WebAssembly JS API, "address type". It
// cannot become smaller, and its elements cannot be read all at once: each costs a call.

type AnyTable = {
  length: number | bigint;
  get(index: unknown): unknown;
  set(index: unknown, value: unknown): void;
  grow(count: unknown): unknown;
};

export function tableLength(table: WebAssembly.Table): number {
  return Number(table.length);
}

/** All elements, in order. */
export function readTable(table: WebAssembly.Table): unknown[] {
  const any: AnyTable = table;
  const wide = typeof any.length === 'bigint';
  return Array.from({ length: Number(any.length) }, (_, index) =>
    any.get(wide ? BigInt(index) : index),
  );
}

export function setElement(table: WebAssembly.Table, index: number, value: unknown): void {
  const any: AnyTable = table;
  any.set(typeof any.length === 'bigint' ? BigInt(index) : index, value);
}

/** Sets the elements that are not what they are to be. */
export function writeTable(table: WebAssembly.Table, values: readonly unknown[]): void {
  for (const [index, value] of readTable(table).entries()) {
    if (!Object.is(value, values[index])) setElement(table, index, values[index]);
  }
}

/** Throws a RangeError if the table's maximum is below that, or if no memory is left. */
export function growTable(table: WebAssembly.Table, count: number): void {
  const any: AnyTable = table;
  any.grow(typeof any.length === 'bigint' ? BigInt(count) : count);
}
