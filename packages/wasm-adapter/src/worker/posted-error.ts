import { WasmError, type WasmErrorCode, WasmExit } from '../errors.js';

/** What was thrown, as it goes from thread to thread: structured clones drop classes and codes. */
export type Posted = { readonly value: unknown } | PostedError;

interface PostedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause?: Posted;
  readonly errors?: readonly Posted[];
  /** Its own properties that can be cloned: `code` and others. */
  readonly properties: Readonly<Record<string, unknown>>;
}

type ErrorClass = new (message: string) => Error;

const classes: readonly ErrorClass[] = [
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

/** Takes what was thrown apart. Causes nest, up to `depth`: they may form a circle. */
export function post(thrown: unknown, depth = 8): Posted {
  if (!(thrown instanceof Error)) return { value: clonable(thrown) ?? String(thrown) };
  const { message, stack } = thrown;
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(thrown)) {
    const clone = clonable(value);
    if (clone !== undefined) properties[name] = clone;
  }
  const posted = { name: classOf(thrown), message, stack, properties };
  if (depth === 0) return posted;
  return {
    ...posted,
    ...('cause' in thrown && { cause: post(thrown.cause, depth - 1) }),
    ...(thrown instanceof AggregateError && {
      errors: thrown.errors.map((error: unknown) => post(error, depth - 1)),
    }),
  };
}

function classOf(error: Error): string {
  return error.name === 'Error' ? error.constructor.name : error.name;
}

function clonable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

/** Puts together what was thrown; `here` is the stack of who waits for it. */
export function receive(posted: Posted, here?: string): unknown {
  if ('value' in posted) return posted.value;
  const error = make(posted);
  const { name, stack, cause, errors, properties } = posted;
  if (error.name !== name) define(error, 'name', name);
  if (cause !== undefined) define(error, 'cause', receive(cause));
  if (errors !== undefined)
    define(
      error,
      'errors',
      errors.map((it) => receive(it)),
    );
  Object.assign(error, properties);
  define(error, 'stack', here === undefined ? stack : `${stack}\n${here}`);
  return error;
}

function make({ name, message, errors, properties }: PostedError): Error {
  if (name === 'WasmExit') return new WasmExit(Number(properties.exitCode), '');
  if (name === 'WasmError') return new WasmError(properties.code as WasmErrorCode, message);
  if (errors !== undefined) return new AggregateError([], message);
  const Class = classes.find((it) => it.name === name) ?? Error;
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
