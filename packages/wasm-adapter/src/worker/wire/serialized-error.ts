import { OptionError } from '@wasm-pool/core';
import { WasmError, type WasmErrorCode, WasmException, WasmExit } from '../../errors.js';

/**
 * A thrown value as it goes from thread to thread. A structured clone drops the classes of errors,
 * their codes, and all errors within them.
 */
export type SerializedThrow =
  | { readonly value: unknown }
  | { readonly symbol: string; readonly registered: boolean }
  | SerializedError;

interface SerializedError {
  readonly name: string;
  /** The name of the class that it is or extends, among those in `makers`. */
  readonly base: string;
  readonly message: string;
  readonly stack: string;
  /** All of its own properties that can go, and its `code`. */
  readonly properties: SerializedProperty[];
}

interface SerializedProperty {
  readonly name: string;
  readonly enumerable: boolean;
  readonly value: SerializedValue;
}

/** A property's value: it can be cloned, or it is or holds an error. */
type SerializedValue =
  | { readonly clone: unknown }
  | { readonly error: SerializedThrow }
  | { readonly list: readonly SerializedValue[] };

interface Maker {
  readonly name: string;
  readonly Class: abstract new (...args: never) => Error;
  make(posted: SerializedError): Error;
}

type SimpleClass = new (message: string) => Error;

const simple = (Class: SimpleClass): Maker => ({
  name: Class.name,
  Class,
  make: ({ message }) => new Class(message),
});

/** A class that some platforms lack. */
const optional = (name: string): Maker[] => {
  const Class: unknown = Reflect.get(globalThis, name);
  return typeof Class === 'function' ? [simple(Class as SimpleClass)] : [];
};

/** How errors of each class are made. A class stands before the class that it extends. */
const makers: readonly Maker[] = [
  {
    name: 'WasmExit',
    Class: WasmExit,
    make: (it) => new WasmExit(Number(own(it, 'exitCode')), ''),
  },
  {
    name: 'WasmException',
    Class: WasmException,
    make: ({ message }) => new WasmException(message, undefined, []),
  },
  {
    name: 'WasmError',
    Class: WasmError,
    make: (it) => new WasmError(own(it, 'code') as WasmErrorCode, it.message),
  },
  simple(OptionError), // is a TypeError
  {
    name: 'AggregateError',
    Class: AggregateError,
    make: (it) => new AggregateError([], it.message),
  },
  {
    name: 'DOMException',
    Class: DOMException,
    make: ({ message, name }) => new DOMException(message, name),
  },
  ...[EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(simple),
  ...optional('SuppressedError'),
  simple(WebAssembly.CompileError),
  simple(WebAssembly.LinkError),
  simple(WebAssembly.RuntimeError),
  simple(Error),
];

function own({ properties }: SerializedError, name: string): unknown {
  const found = properties.find((it) => it.name === name)?.value;
  return found !== undefined && 'clone' in found ? found.clone : undefined;
}

/** Properties that go apart, or not at all: V8 puts private ones of DOMException under symbols. */
const apart = ['name', 'message', 'stack'];

/**
 * Takes a thrown value apart. Throws what its accessors throw.
 *
 * @param known what was taken apart already: causes may form a circle
 */
export function serializeError(
  thrown: unknown,
  known = new Map<unknown, SerializedThrow>(),
): SerializedThrow {
  const before = known.get(thrown);
  if (before !== undefined) return before;
  if (typeof thrown === 'symbol') {
    const registered = Symbol.keyFor(thrown) !== undefined;
    return { symbol: thrown.description ?? '', registered };
  }
  if (!(thrown instanceof Error)) return { value: clonable(thrown) };
  const { name, message, stack } = thrown;
  const base = makerOf(thrown).name;
  const posted: SerializedError = {
    name: name === base && base !== 'DOMException' ? thrown.constructor.name : String(name),
    base,
    message: String(message),
    stack: String(stack),
    properties: [],
  };
  known.set(thrown, posted);
  const names = Object.getOwnPropertyNames(thrown).filter((it) => !apart.includes(it));
  if ('code' in thrown && !names.includes('code')) names.push('code');
  for (const property of names) {
    const value = serializeValue(Reflect.get(thrown, property), known);
    const enumerable = Object.getOwnPropertyDescriptor(thrown, property)?.enumerable ?? true;
    if (value !== undefined) posted.properties.push({ name: property, enumerable, value });
  }
  return posted;
}

/** By its class; or by its name, where the class is of another copy of this package. */
function makerOf(thrown: Error): Maker {
  const maker = makers.find(({ Class }) => thrown instanceof Class) as Maker;
  if (maker.Class !== Error && maker.Class !== TypeError) return maker;
  return makers.find((it) => ours.includes(it.name) && it.name === thrown.name) ?? maker;
}

const ours = ['WasmExit', 'WasmException', 'WasmError', 'OptionError'];

/** Undefined where it cannot go. */
function serializeValue(
  value: unknown,
  known: Map<unknown, SerializedThrow>,
): SerializedValue | undefined {
  if (value instanceof Error) return { error: serializeError(value, known) };
  if (Array.isArray(value) && value.some((it) => it instanceof Error)) {
    return { list: value.flatMap((it) => serializeValue(it, known) ?? []) };
  }
  return isClonable(value) ? { clone: value } : undefined;
}

/** A thrown value that is no error: without its parts that cannot go, or else its text. */
function clonable(thrown: unknown): unknown {
  if (isClonable(thrown)) return thrown;
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const parts = Object.entries(thrown).filter(([, value]) => isClonable(value));
  return parts.length > 0 ? Object.fromEntries(parts) : String(thrown);
}

function isClonable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts a thrown value together.
 *
 * @param here the stack of its call, to follow that of the other thread
 */
export function deserializeError(
  posted: SerializedThrow,
  here = '',
  known = new Map<SerializedThrow, unknown>(),
): unknown {
  if ('value' in posted) return posted.value;
  if ('symbol' in posted) {
    return posted.registered ? Symbol.for(posted.symbol) : Symbol(posted.symbol);
  }
  const before = known.get(posted);
  if (before !== undefined) return before;
  const error = (makers.find((it) => it.name === posted.base) as Maker).make(posted);
  known.set(posted, error);
  const { name, message, stack, properties } = posted;
  if (error.name !== name) define(error, 'name', name, false);
  if (error.message !== message) define(error, 'message', message, false);
  for (const property of properties) {
    define(error, property.name, deserializeValue(property.value, known), property.enumerable);
  }
  define(error, 'stack', here === '' ? stack : `${stack}\n${here}`, false);
  return error;
}

function deserializeValue(value: SerializedValue, known: Map<SerializedThrow, unknown>): unknown {
  if ('clone' in value) return value.clone;
  if ('error' in value) return deserializeError(value.error, '', known);
  return value.list.map((it) => deserializeValue(it, known));
}

function define(error: Error, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, name, { value, writable: true, enumerable, configurable: true });
}
