import { OptionError } from '@wasm-pool/core';
import type { WasmPoolOptions } from '../../pool/options.js';

export type Task = (instance: unknown, ...args: unknown[]) => unknown;

/** The exports of a tasks' module that are options, not tasks. */
const optionNames = [
  'imports',
  'wasi',
  'preinitialize',
  'onCreate',
  'onDestroy',
  'instantiate',
] as const;

/** What a module of tasks exports, sorted. */
export interface FoundTasks {
  readonly tasks: ReadonlyMap<string, Task>;
  readonly options: Pick<WasmPoolOptions<unknown, unknown>, (typeof optionNames)[number]>;
  /** Runs before the thread ends. */
  readonly onThreadEnd: (() => unknown) | undefined;
}

/**
 * Finds the tasks of a module, in whichever form it exports them: by name; as a default object, which
 * is also what `module.exports` becomes; or as a default function, by the function's own name. A named
 * export stands before a property of the default object.
 *
 * Throws an `OptionError` for a default function without a name.
 */
export function findTasks(module: object): FoundTasks {
  const all = new Map<string, unknown>();
  const named = Object.entries(module).filter(([name]) => !generated.includes(name));
  const byDefault: unknown = Reflect.get(module, 'default');
  if (typeof byDefault === 'object' && byDefault !== null) addProperties(all, byDefault);
  for (const [name, value] of named) all.set(name, value);
  if (typeof byDefault === 'function' && !named.some(([, value]) => value === byDefault)) {
    addFunction(all, byDefault as Task & object);
  }

  const options: Record<string, unknown> = {};
  for (const name of optionNames) {
    if (all.has(name)) options[name] = all.get(name);
    all.delete(name);
  }
  const onThreadEnd = all.get('onThreadEnd');
  if (onThreadEnd !== undefined && typeof onThreadEnd !== 'function') {
    throw new OptionError('module: onThreadEnd is no function; accepted: a function');
  }
  all.delete('onThreadEnd');
  const tasks = new Map<string, Task>();
  for (const [name, value] of all) if (typeof value === 'function') tasks.set(name, value as Task);
  return { tasks, options, onThreadEnd: onThreadEnd as (() => unknown) | undefined };
}

/** Names that Node.js gives to `module.exports`: https://nodejs.org/api/esm.html#commonjs-namespaces */
const generated = ['default', 'module.exports', '__esModule'];

/** The methods of an object, those of its class included; each is called on the object. */
function addProperties(all: Map<string, unknown>, object: object): void {
  const plain = Object.getPrototypeOf(object) === Object.prototype;
  const classes: object[] = [object];
  for (let one = Object.getPrototypeOf(object); one !== null && one !== Object.prototype; ) {
    classes.push(one);
    one = Object.getPrototypeOf(one);
  }
  for (const name of new Set(classes.reverse().flatMap((it) => Object.getOwnPropertyNames(it)))) {
    if (generated.includes(name) || (name === 'constructor' && !plain)) continue;
    const value: unknown = Reflect.get(object, name);
    all.set(name, typeof value === 'function' ? value.bind(object) : value);
  }
}

function addFunction(all: Map<string, unknown>, task: Task & object): void {
  const { name } = task;
  if (name === '' || name === 'default') {
    throw new OptionError(
      'module: its default export is a function without a name, and a task is called by name; accepted: export function add(instance, …) { … }, or export default { add }',
    );
  }
  if (!all.has(name)) all.set(name, task);
  // As others have it: functions that are properties of the one that is exported.
  for (const [key, value] of Object.entries(task)) {
    if (typeof value === 'function' && value !== task && !all.has(key)) all.set(key, value);
  }
}
