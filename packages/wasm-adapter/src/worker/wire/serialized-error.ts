import { OptionError } from '@wasm-pool/core';
import { WasmError, type WasmErrorCode, WasmExit } from '../../errors.js';

/** What was thrown, as it goes from thread to thread: structured clones drop classes and codes. */
export type SerializedThrow = { readonly value: unknown } | SerializedError;

interface SerializedError {
  readonly name: string;
  /** The class that it is, or extends, of those in `classes`. */
  readonly base: string | undefined;
  readonly message: string;
  readonly stack: string;
  cause?: SerializedThrow;
  errors?: readonly SerializedThrow[];
  /** Its own properties that can be cloned, and its `code`. */
  readonly properties: Record<string, unknown>;
}

type ErrorClass = new (message: string) => Error;

const classes: readonly ErrorClass[] = [
  OptionError, // is a TypeError
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  WebAssembly.CompileError,
  WebAssembly.LinkError,
  WebAssembly.RuntimeError,
];

/** Properties that do not go as they are. */
const apart = ['cause', 'errors'];

/** Takes what was thrown apart; `known` is what was already: causes may form a circle. */
export function serializeError(
  thrown: unknown,
  known = new Map<unknown, SerializedThrow>(),
): SerializedThrow {
  const before = known.get(thrown);
  if (before !== undefined) return before;
  if (!(thrown instanceof Error)) return { value: isClonable(thrown) ? thrown : String(thrown) };
  const { name, message, stack } = thrown;
  const properties = Object.fromEntries(
    Object.entries(thrown).filter(([key, value]) => !apart.includes(key) && isClonable(value)),
  );
  if ('code' in thrown && isClonable(thrown.code)) properties.code = thrown.code;
  const base = classes.find((it) => thrown instanceof it)?.name;
  const posted: SerializedError = {
    name: name === (base ?? 'Error') ? thrown.constructor.name : String(name),
    base,
    message: String(message),
    stack: String(stack),
    properties,
  };
  known.set(thrown, posted);
  if ('cause' in thrown) posted.cause = serializeError(thrown.cause, known);
  if (thrown instanceof AggregateError) {
    posted.errors = thrown.errors.map((error: unknown) => serializeError(error, known));
  }
  return posted;
}

function isClonable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** Puts together what was thrown; `here` is the stack of who waits for it. */
export function deserializeError(
  posted: SerializedThrow,
  here?: string,
  known = new Map<SerializedThrow, Error>(),
): unknown {
  if ('value' in posted) return posted.value;
  const before = known.get(posted);
  if (before !== undefined) return before;
  const error = make(posted);
  known.set(posted, error);
  const { name, message, stack, cause, errors, properties } = posted;
  if (error.name !== name) define(error, 'name', name);
  if (error.message !== message) define(error, 'message', message);
  if (cause !== undefined) define(error, 'cause', deserializeError(cause, undefined, known));
  if (errors !== undefined) {
    const received = errors.map((it) => deserializeError(it, undefined, known));
    define(error, 'errors', received);
  }
  Object.assign(error, properties);
  define(error, 'stack', here === undefined ? stack : `${stack}\n${here}`);
  return error;
}

function make({ name, base, message, errors, properties }: SerializedError): Error {
  if (name === 'WasmExit') return new WasmExit(Number(properties.exitCode), '');
  if (name === 'WasmError') return new WasmError(properties.code as WasmErrorCode, message);
  if (errors !== undefined) return new AggregateError([], message);
  const Class = classes.find((it) => it.name === base) ?? Error;
  return new Class(message);
}

function define(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
