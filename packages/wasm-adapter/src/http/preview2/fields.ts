import { resultError } from '../../component/jco-code.js';
import { type HeaderList, isForbidden } from '../headers.js';

/** RFC 9110, 5.6.2: `token`. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** RFC 9110, 5.5: no NUL, CR or LF, and nothing blank at the ends. */
function isValue(bytes: Uint8Array): boolean {
  const blank = (byte: number | undefined) => byte === 0x20 || byte === 0x09;
  if (blank(bytes[0]) || blank(bytes.at(-1))) return false;
  return !bytes.some((byte) => byte === 0 || byte === 0x0a || byte === 0x0d);
}

/** `wasi:http/types`' fields: headers or trailers, with the bytes of values as they are. */
export class Fields {
  #list: HeaderList = [];
  #isImmutable = false;

  /** Those of a message that has arrived: whatever they hold, a component cannot change them. */
  static received(list: HeaderList): Fields {
    const fields = new Fields();
    fields.#list = list;
    return fields.lock();
  }

  static fromList(list: readonly (readonly [string, Uint8Array])[]): Fields {
    const fields = new Fields();
    for (const [name, value] of list) fields.append(name, value);
    return fields;
  }

  /** From now on nobody can change them. */
  lock(): this {
    this.#isImmutable = true;
    return this;
  }

  get(name: string): Uint8Array[] {
    return this.#list.filter((it) => isSame(it[0], name)).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#list.some((it) => isSame(it[0], name));
  }

  set(name: string, values: readonly Uint8Array[]): void {
    this.#check(name, ...values);
    this.#remove(name);
    for (const value of values) this.#list.push([name, new Uint8Array(value)]);
  }

  delete(name: string): void {
    this.#check(name);
    this.#remove(name);
  }

  append(name: string, value: Uint8Array): void {
    this.#check(name, value);
    this.#list.push([name, new Uint8Array(value)]);
  }

  entries(): HeaderList {
    return this.#list.map(([name, value]) => [name, value]);
  }

  clone(): Fields {
    const fields = new Fields();
    fields.#list = this.entries();
    return fields;
  }

  #remove(name: string): void {
    this.#list = this.#list.filter((it) => !isSame(it[0], name));
  }

  /** Throws a `header-error`. */
  #check(name: string, ...values: readonly Uint8Array[]): void {
    if (this.#isImmutable) throw resultError({ tag: 'immutable' });
    if (!NAME.test(name) || !values.every(isValue)) throw resultError({ tag: 'invalid-syntax' });
    if (isForbidden(name)) throw resultError({ tag: 'forbidden' });
  }
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
