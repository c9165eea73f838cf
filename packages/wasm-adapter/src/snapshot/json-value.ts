import { WasmError } from '../errors.js';
import type { PortableValue, Primitive } from '../instance/state/value.js';

/** A portable value as JSON has it. */
export type JsonValue =
  | { readonly value: null | boolean | number | string }
  /** A number that JSON does not have: `-0`, `NaN`, `Infinity`. */
  | { readonly number: string }
  | { readonly bigint: string }
  | { readonly undefined: true }
  | { readonly function: number }
  | { readonly guarded: string }
  | { readonly import: readonly [module: string, name: string] };

/** Throws a `WasmError` `ERR_WASM_SNAPSHOT` for a symbol: that is the same in one process only. */
export function toJson(portable: PortableValue, where: string): JsonValue {
  if (!('value' in portable)) return portable;
  const { value } = portable;
  switch (typeof value) {
    case 'undefined':
      return { undefined: true };
    case 'bigint':
      return { bigint: String(value) };
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return { value };
      return { number: Object.is(value, -0) ? '-0' : String(value) };
    case 'symbol': {
      const message = `${where} of the prepared instance holds ${String(value)}, which a file cannot hold; accepted there: numbers, strings, booleans, null and undefined`;
      throw new WasmError('ERR_WASM_SNAPSHOT', message);
    }
    default:
      return { value };
  }
}

/** Throws a TypeError for what `toJson` does not give. */
export function fromJson(json: JsonValue): PortableValue {
  const value = (it: Primitive): PortableValue => ({ value: it });
  if ('undefined' in json) return value(undefined);
  if ('bigint' in json) return value(BigInt(json.bigint));
  if ('number' in json) return value(Number(json.number));
  if ('function' in json) return { function: Number(json.function) };
  if ('guarded' in json) return { guarded: String(json.guarded) };
  if ('import' in json) return { import: [json.import[0], json.import[1]] };
  if ('value' in json) return value(json.value);
  throw new TypeError('a value is of no kind that is known');
}
