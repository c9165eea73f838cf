import type { WasmInstance } from '../../instance/wasm-instance.js';

/** What a worker's module exports for the pool's own use; all else that is a function is a task. */
export type Reserved =
  | 'default'
  | 'module.exports'
  | 'imports'
  | 'wasi'
  | 'onCreate'
  | 'onDestroy'
  | 'instantiate'
  | 'onThreadEnd';

/** A function of a worker's module: it is given the worker's instance, and what its caller gave. */
// biome-ignore lint/suspicious/noExplicitAny: a constraint that any function meets
type Task = (instance: any, ...args: any[]) => unknown;

type Callable<Args extends unknown[], R> = (...args: Args) => Promise<Received<Awaited<R>>>;

/** What a caller has of a result: of one that comes bit by bit, a stream. */
type Received<R> = R extends AsyncIterable<infer Value> ? ReadableStream<Value> : R;

/**
 * The tasks of a module as they are called from another thread: without the instance, and for a
 * promise. `typeof import('./task-types.js')` gives a module's type.
 */
export type TaskCalls<Tasks> = {
  readonly [Name in keyof Tasks as Name extends Reserved
    ? never
    : Tasks[Name] extends Task
      ? Name
      : never]: Tasks[Name] extends (instance: never, ...args: infer Args) => infer R
    ? Callable<Args, R>
    : never;
};

/** Function exports as they are called from another thread. */
export type ExportCalls<Exports> = {
  readonly [Name in keyof Exports as Exports[Name] extends (...args: never) => unknown
    ? Name
    : never]: Exports[Name] extends (...args: infer Args) => infer R ? Callable<Args, R> : never;
};

/** What the tasks of a module take as their instance's exports: all of it, where they differ. */
export type ExportsOf<Tasks> = Union<
  {
    [Name in Exclude<keyof Tasks, Reserved>]: Tasks[Name] extends (
      instance: infer Instance,
      ...args: never
    ) => unknown
      ? Instance extends WasmInstance<infer Exports, unknown>
        ? Told<Exports>
        : never
      : never;
  }[Exclude<keyof Tasks, Reserved>]
>;

/** Whoever does not say what the exports are knows nothing of them. */
type Told<Exports> = WebAssembly.Exports extends Exports ? never : Exports;

type Union<All> = (All extends unknown ? (one: All) => void : never) extends (
  one: infer One,
) => void
  ? One
  : never;

/** The tasks of a module's default export, if that is an object, without the module's named exports. */
type DefaultCalls<Tasks> = Tasks extends { readonly default: infer All extends object }
  ? All extends (...args: never) => unknown
    ? unknown
    : Omit<TaskCalls<All>, keyof TaskCalls<Tasks>>
  : unknown;

/** Tasks, and those exports that no task has the name of. */
export type Calls<Tasks, Exports> = TaskCalls<Tasks> &
  DefaultCalls<Tasks> &
  Omit<ExportCalls<Exports>, keyof TaskCalls<Tasks> | keyof DefaultCalls<Tasks>>;
