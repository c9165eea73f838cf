// A value in bytes, for shared memory: as a structured clone has it, but for errors, circles and what
// is rarer still. It is a text in JSON, where each list begins with the kind of what it stands for; and
// behind it, the bytes of buffers.

type Encoded = string | number | boolean | null | Encoded[] | { [name: string]: Encoded };

/** Encodes a value. Throws a TypeError for a kind that is not known, or for a circle. */
export function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  const encoder = new Encoder();
  const text = new TextEncoder().encode(JSON.stringify(encoder.encode(value)));
  const bytes = new Uint8Array(4 + text.length + encoder.length);
  new DataView(bytes.buffer).setUint32(0, text.length);
  bytes.set(text, 4);
  encoder.writeTo(bytes.subarray(4 + text.length));
  return bytes;
}

class Encoder {
  /** How many bytes of buffers there are. */
  length = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #open = new Set<object>();

  encode(value: unknown): Encoded {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : ['number', textOf(value)];
      case 'undefined':
        return ['undefined'];
      case 'bigint':
        return ['bigint', String(value)];
      case 'object':
        return value === null ? null : this.#object(value);
      default:
        throw new TypeError(`a ${typeof value} cannot be cloned`);
    }
  }

  #object(value: object): Encoded {
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      const name = value instanceof Uint8Array ? 'Uint8Array' : value.constructor.name;
      return ['view', name, ...this.#bytes(new Uint8Array(buffer, byteOffset, byteLength))];
    }
    if (value instanceof ArrayBuffer) return ['buffer', ...this.#bytes(new Uint8Array(value))];
    if (value instanceof Date) return ['date', textOf(value.getTime())];
    if (this.#open.has(value)) throw new TypeError('a value that holds itself cannot be sent');
    this.#open.add(value);
    try {
      return this.#composite(value);
    } finally {
      this.#open.delete(value);
    }
  }

  #composite(value: object): Encoded {
    const all = (values: Iterable<unknown>) => Array.from(values, (it) => this.encode(it));
    if (Array.isArray(value)) return ['list', ...all(value)];
    if (value instanceof Map) return ['map', ...all([...value].flat())];
    if (value instanceof Set) return ['set', ...all(value)];
    const tag = Object.prototype.toString.call(value);
    if (tag !== '[object Object]') throw new TypeError(`${tag} cannot be sent`);
    return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, this.encode(it)]));
  }

  /** Returns where the bytes begin and how many they are. */
  #bytes(bytes: Uint8Array): [number, number] {
    const start = this.length;
    this.#parts.push(bytes);
    this.length += bytes.length;
    return [start, bytes.length];
  }

  writeTo(bytes: Uint8Array): void {
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
  }
}

const textOf = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

/** Reads what `encodeValue` wrote. */
export function decodeValue(bytes: Uint8Array<ArrayBuffer>): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const text = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  return decode(JSON.parse(text), bytes.subarray(4 + length));
}

function decode(value: Encoded, bytes: Uint8Array<ArrayBuffer>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, decode(it, bytes)]));
  }
  const [kind, ...rest] = value;
  const [first, second, third] = rest;
  const all = () => rest.map((it) => decode(it, bytes));
  const bufferAt = (start: unknown, length: unknown) =>
    bytes.slice(Number(start), Number(start) + Number(length)).buffer;
  switch (kind) {
    case 'undefined':
      return undefined;
    case 'number':
      return Number(first);
    case 'bigint':
      return BigInt(String(first));
    case 'date':
      return new Date(Number(first));
    case 'list':
      return all();
    case 'map':
      return new Map(pairs(all()));
    case 'set':
      return new Set(all());
    case 'buffer':
      return bufferAt(first, second);
    default: {
      const View = Reflect.get(globalThis, String(first)) as new (buffer: ArrayBuffer) => unknown;
      return new View(bufferAt(second, third));
    }
  }
}

function* pairs(values: readonly unknown[]): Generator<[unknown, unknown]> {
  for (let at = 0; at < values.length; at += 2) yield [values[at], values[at + 1]];
}
