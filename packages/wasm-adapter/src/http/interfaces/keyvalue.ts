import { resultError } from '../../component/jco-code.js';
import type { KeyValueOperation, KeyValueResult } from './keyvalue-store.js';

/** Carries out an operation on the bucket of that name. */
export type OperateOnStore = (bucket: string, operation: KeyValueOperation) => KeyValueResult;

/** `wasi:keyvalue` of one instance: the interfaces `store`, `atomics` and `batch`, in each of their drafts. */
export function keyvalueInterfaces(operate: OperateOnStore): Record<string, object> {
  /** An operation's outcome under that name. Throws `other` of `wasi:keyvalue/store`'s error. */
  function outcome<Key extends string>(
    bucket: Bucket,
    operation: KeyValueOperation,
    key: Key,
  ): Extract<KeyValueResult, Record<Key, unknown>> {
    const result = operate(bucket.name, operation);
    if (key in result) return result as Extract<KeyValueResult, Record<Key, unknown>>;
    throw resultError({ tag: 'other', val: 'error' in result ? result.error : 'it failed' });
  }

  class Bucket {
    readonly name: string;

    constructor(name: string) {
      this.name = name;
    }

    get(key: string): Uint8Array | undefined {
      return outcome(this, { get: [key] }, 'values').values[0];
    }

    set(key: string, value: Uint8Array): void {
      outcome(this, { set: [[key, value]] }, 'done');
    }

    delete(key: string): void {
      outcome(this, { delete: [key] }, 'done');
    }

    exists(key: string): boolean {
      return this.get(key) !== undefined;
    }

    /** All of them, whatever the cursor, which is a number in one draft and a string in another. */
    listKeys(): { keys: readonly string[]; cursor: undefined } {
      return { keys: outcome(this, { list: true }, 'keys').keys, cursor: undefined };
    }
  }

  /** What `swap` compares with. */
  class Cas {
    static new(bucket: Bucket, key: string): Cas {
      return new Cas(bucket, key);
    }

    readonly bucket: Bucket;
    readonly key: string;
    value: Uint8Array | undefined;

    constructor(bucket: Bucket, key: string) {
      this.bucket = bucket;
      this.key = key;
      this.value = bucket.get(key);
    }

    current(): Uint8Array | undefined {
      this.value = this.bucket.get(this.key);
      return this.value;
    }
  }

  const add = (bucket: Bucket, to: string, delta: bigint) =>
    outcome(bucket, { add: delta, to }, 'sum').sum;

  function swap({ bucket, key, value }: Cas, to: Uint8Array): void {
    const { done } = outcome(bucket, { swap: key, from: value, to }, 'done');
    if (!done) throw resultError({ tag: 'cas-failed', val: Cas.new(bucket, key) });
  }

  return {
    'wasi:keyvalue/store': { open: (name: string) => new Bucket(name), Bucket },
    'wasi:keyvalue/atomics': { increment: add, swap, Cas },
    'wasi:keyvalue/batch': {
      getMany: (bucket: Bucket, keys: readonly string[]) =>
        outcome(bucket, { get: keys }, 'values').values.map((value, at) =>
          value === undefined ? undefined : [keys[at], value],
        ),
      setMany: (bucket: Bucket, pairs: readonly [string, Uint8Array][]) =>
        void outcome(bucket, { set: pairs }, 'done'),
      deleteMany: (bucket: Bucket, keys: readonly string[]) =>
        void outcome(bucket, { delete: keys }, 'done'),
    },
  };
}
