/**
 * The same value, where each view of a part of a larger buffer has become a view of a copy of its own
 * bytes. A structured clone would carry the whole buffer: of a guest's memory, all that the guest has.
 * Shared memory stays shared. Buffers in `moved` stay as they are, and so do accessors and the insides
 * of classes.
 */
export function ownBytes(value: unknown, moved: readonly unknown[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return new Copier(moved).copy(value);
}

class Copier {
  readonly #moved: readonly unknown[];
  readonly #known = new Map<object, unknown>();

  constructor(moved: readonly unknown[]) {
    this.#moved = moved;
  }

  copy(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (ArrayBuffer.isView(value)) return this.#view(value);
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    // Until one of its parts turns out to be a view, a value stands for itself.
    this.#known.set(value, value);
    if (!holdsViews(value)) return value;
    if (Array.isArray(value)) return this.#array(value);
    if (value instanceof Map) return this.#map(value);
    if (value instanceof Set) return this.#set(value);
    return isRecord(value) ? this.#record(value) : value;
  }

  #view(view: ArrayBufferView): unknown {
    if (!isPart(view) || this.#moved.includes(view.buffer)) return view;
    const known = this.#known.get(view);
    if (known !== undefined) return known;
    const { buffer, byteOffset, byteLength } = view;
    const copy = copyOf(view, buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    this.#known.set(view, copy);
    return copy;
  }

  #array(values: readonly unknown[]): unknown[] {
    const copy: unknown[] = [];
    copy.length = values.length; // holes stay holes
    this.#known.set(values, copy);
    for (const key of Object.keys(values)) {
      Reflect.set(copy, key, this.copy(Reflect.get(values, key)));
    }
    return copy;
  }

  #map(values: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    this.#known.set(values, copy);
    for (const [key, value] of values) copy.set(this.copy(key), this.copy(value));
    return copy;
  }

  #set(values: ReadonlySet<unknown>): Set<unknown> {
    const copy = new Set<unknown>();
    this.#known.set(values, copy);
    for (const value of values) copy.add(this.copy(value));
    return copy;
  }

  #record(value: object): object {
    const copy: object = {};
    this.#known.set(value, copy);
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      if ('value' in property) property.value = this.copy(property.value);
      Object.defineProperty(copy, key, property);
    }
    return copy;
  }
}

function isPart(view: ArrayBufferView): boolean {
  return view.buffer instanceof ArrayBuffer && view.byteLength < view.buffer.byteLength;
}

/** Whether a view of a part of a buffer is anywhere in it. No accessor is called, nor itself. */
function holdsViews(value: object): boolean {
  const known = new Set<unknown>();
  const left: unknown[] = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== 'object' || one === null || known.has(one)) continue;
    if (ArrayBuffer.isView(one)) {
      if (isPart(one)) return true;
      continue;
    }
    known.add(one);
    for (const part of partsOf(one)) if (typeof part === 'object') left.push(part);
  }
  return false;
}

function partsOf(value: object): Iterable<unknown> {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return value;
  if (!isRecord(value)) return [];
  return Object.keys(value).map((key) => Reflect.getOwnPropertyDescriptor(value, key)?.value);
}

/** An object that a structured clone makes a plain one of. */
function isRecord(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView;

const viewClasses: readonly ViewClass[] = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

/** A view of the same kind as another one: of a subclass, the class that a structured clone gives. */
function copyOf(view: ArrayBufferView, buffer: ArrayBuffer): ArrayBufferView {
  const Class = viewClasses.find((it) => view instanceof it);
  if (Class !== undefined) return new Class(buffer);
  // A kind that is newer, as Float16Array.
  return new (view.constructor as ViewClass)(buffer);
}
