import { WasmException } from '../../errors.js';

/**
 * A `WebAssembly.Exception` cannot leave its thread: for one, an error that says what it was, with its
 * stack. Anything else is given back as it is.
 *
 * @param exports those of the instance that threw, where its tag may be found
 */
export function describeException(thrown: unknown, exports: unknown): unknown {
  if (!(thrown instanceof WebAssembly.Exception)) return thrown;
  const found = Object.entries(typeof exports === 'object' && exports !== null ? exports : {}).find(
    ([, value]) => value instanceof WebAssembly.Tag && thrown.is(value),
  );
  const values = found === undefined ? [] : valuesOf(thrown, found[1]);
  const what =
    found === undefined ? 'an exception' : `${found[0]}(${values.map(String).join(', ')})`;
  const error = new WasmException(`the guest threw ${what}`, found?.[0], values);
  const { stack } = thrown as { stack?: unknown };
  if (typeof stack === 'string' && stack !== '')
    error.stack = `${error}\n${stack.replace(/^.*\n/, '')}`;
  return error;
}

/** How many values there are is not told: getArg throws a RangeError behind the last one. */
function valuesOf(thrown: WebAssembly.Exception, tag: WebAssembly.Tag): unknown[] {
  const values: unknown[] = [];
  try {
    for (;;) values.push(thrown.getArg(tag, values.length));
  } catch {
    return values;
  }
}
