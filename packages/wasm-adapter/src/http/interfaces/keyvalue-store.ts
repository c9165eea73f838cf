/** What a store may hold, in bytes: keys, values, and something for each entry. */
const MAX_BYTES = 64 * 2 ** 20;
const ENTRY_BYTES = 64;

type Value = Uint8Array<ArrayBuffer>;
type Bucket = Map<string, Value>;

/** The first content of buckets, by their names. */
export type KeyValueData = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

/** An operation on one bucket. It is a message, for the store may be on another thread. */
export type KeyValueOperation =
  | { readonly get: readonly string[] }
  | { readonly list: true }
  | { readonly set: readonly (readonly [key: string, value: Uint8Array])[] }
  | { readonly delete: readonly string[] }
  | { readonly add: bigint; readonly to: string }
  | { readonly swap: string; readonly from: Uint8Array | undefined; readonly to: Uint8Array };

/** What came of it; `error` is what `wasi:keyvalue/store` has as `other`. */
export type KeyValueResult =
  | { readonly values: readonly (Value | undefined)[] }
  | { readonly keys: readonly string[] }
  | { readonly sum: bigint }
  | { readonly done: boolean }
  | { readonly error: string };

/** `wasi:keyvalue` in memory: one store for all instances of a component, as long as that is served. */
export class KeyValueStore {
  readonly #buckets = new Map<string, Bucket>();
  #bytes = 0;

  constructor(data: KeyValueData = {}) {
    for (const [name, content] of Object.entries(data)) {
      for (const [key, value] of Object.entries(content)) {
        this.#put(name, key, typeof value === 'string' ? new TextEncoder().encode(value) : value);
      }
    }
  }

  /** Carries an operation out, as a whole or not at all. */
  readonly operate = (name: string, operation: KeyValueOperation): KeyValueResult => {
    const bucket: Bucket = this.#buckets.get(name) ?? new Map();
    if ('get' in operation) return { values: operation.get.map((key) => bucket.get(key)) };
    if ('list' in operation) return { keys: [...bucket.keys()] };
    if ('set' in operation) return this.#set(name, operation.set);
    if ('delete' in operation) {
      for (const key of operation.delete) this.#drop(name, key);
      return { done: true };
    }
    if ('swap' in operation) {
      const { swap: key, from, to } = operation;
      return isSame(bucket.get(key), from) ? this.#set(name, [[key, to]]) : { done: false };
    }
    const text = new TextDecoder().decode(bucket.get(operation.to)) || '0';
    if (!/^-?\d{1,19}$/.test(text)) return { error: 'the value is no whole number' };
    const sum = BigInt.asIntN(64, BigInt(text) + operation.add);
    const set = this.#set(name, [[operation.to, new TextEncoder().encode(String(sum))]]);
    return 'error' in set ? set : { sum };
  };

  #set(name: string, pairs: readonly (readonly [string, Uint8Array])[]): KeyValueResult {
    const more = pairs.reduce((sum, [key, value]) => sum + sizeOf(key, value), 0);
    if (this.#bytes + more > MAX_BYTES) {
      return { error: `the store is full: it holds at most ${MAX_BYTES} bytes` };
    }
    for (const [key, value] of pairs) this.#put(name, key, value);
    return { done: true };
  }

  #put(name: string, key: string, value: Uint8Array): void {
    this.#drop(name, key);
    const bucket: Bucket = this.#buckets.get(name) ?? new Map();
    this.#buckets.set(name, bucket);
    bucket.set(key, new Uint8Array(value));
    this.#bytes += sizeOf(key, value);
  }

  #drop(name: string, key: string): void {
    const bucket = this.#buckets.get(name);
    const old = bucket?.get(key);
    if (bucket === undefined || old === undefined) return;
    bucket.delete(key);
    if (bucket.size === 0) this.#buckets.delete(name);
    this.#bytes -= sizeOf(key, old);
  }
}

function sizeOf(key: string, value: Uint8Array): number {
  return ENTRY_BYTES + 2 * key.length + value.length;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
