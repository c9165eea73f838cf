import { builtin } from './builtin.js';

const guarded = new Map<string, string>();

/**
 * From now on, a function of that name cannot end the process: its call of `process.exit` throws an
 * Error with this message. All others can, as ever.
 */
export function keepFromExiting(functionName: string, message: string): void {
  const isFirst = guarded.size === 0;
  guarded.set(functionName, message);
  if (!isFirst || globalThis.process?.exit === undefined) return;
  const { exit } = process;
  process.exit = (code) => {
    for (const caller of callers()) {
      const why = guarded.get(caller);
      if (why !== undefined) throw new Error(why);
    }
    return exit.call(process, code);
  };
  // Modules that import `exit` from node:process have the new one then.
  builtin('node:module', 'guarding process.exit').syncBuiltinESMExports();
}

/** The names of the functions that are being called, the innermost first. */
function callers(): string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 20;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return Array.from(stack.matchAll(/^\s+at (?:async )?(\S+) \(/gm), ([, name = '']) => name);
}
