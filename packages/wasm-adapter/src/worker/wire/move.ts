import { messageOf, WasmError } from '../../errors.js';
import type { Transferable } from '../../platform/threads.js';

type Marks = WeakMap<object, Transferable[]>;

/** Shared by all copies of this module: tasks load another one than the bundle that runs them. */
const marksKey: unique symbol = Symbol.for('@wasm-pool/wasm-adapter moved');
const shared = globalThis as typeof globalThis & { [marksKey]?: Marks };
shared[marksKey] ??= new WeakMap();
const marked: Marks = shared[marksKey];

/**
 * Marks an argument or a result of a task to be moved to the other thread, not copied: what is in it
 * is gone here then. A buffer, a view of one or a port moves by itself; of any other object, `transfer`
 * lists what in it moves. Gives `value`.
 *
 * Throws a TypeError where nothing is to be moved. A memory of WebAssembly cannot be moved.
 */
export function move<V extends object>(value: V, transfer?: Transferable[]): V {
  const moved = transfer ?? movable(value);
  if (moved === undefined) {
    const kind = Object.prototype.toString.call(value);
    throw new TypeError(
      `move: value is ${kind}; accepted: an ArrayBuffer, a view of one, a transferable object, or anything with a list of what in it moves`,
    );
  }
  marked.set(value, moved);
  return value;
}

function movable(value: object): Transferable[] | undefined {
  if (ArrayBuffer.isView(value)) return [value.buffer as ArrayBuffer];
  const moves = transferables.some((name) => {
    const type: unknown = Reflect.get(globalThis, name);
    return typeof type === 'function' && value instanceof type;
  });
  return moves ? [value as Transferable] : undefined;
}

/** Those of the HTML Standard's "Transferable objects" that Node.js has. */
const transferables = [
  'ArrayBuffer',
  'MessagePort',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
];

const nothing: Transferable[] = [];

/** What of some values moves. */
export function movedOf(values: readonly unknown[]): Transferable[] {
  let moved = nothing;
  for (const value of values) {
    if (typeof value !== 'object' || value === null) continue;
    const list = marked.get(value);
    if (list !== undefined) moved = moved === nothing ? list : [...new Set([...moved, ...list])];
  }
  return moved;
}

/** Says that something cannot be posted, and why. */
export function cloneError(what: string, cause: unknown): WasmError {
  return new WasmError('ERR_WASM_CLONE', `${what} cannot be posted: ${messageOf(cause)}`, {
    cause,
  });
}
