import type { ModuleSource } from '../source/source.js';

/**
 * A component that jco has transpiled ahead, in async instantiation mode: `jco transpile it.wasm
 * --instantiation async -o it`, and then `{ ...(await import('./it/it.js')), modules: … }`. Neither
 * jco nor a cache is needed then.
 */
export interface TranspiledComponent {
  /** What jco's JavaScript exports. */
  readonly instantiate: (...args: never[]) => unknown;
  /**
   * Where the core modules are that jco wrote: the URL of their folder, which ends with a slash, or a
   * function that gives each, as a pool's `src`, by the name of its file.
   */
  readonly modules: URL | ((file: string) => ModuleSource);
  /**
   * The URL of jco's JavaScript, which each thread imports anew. Only pools on threads need it, and
   * `createHttpComponent` for preview 2.
   */
  readonly code?: URL | undefined;
}

/** Whether a pool's `src` is such a component. */
export function isTranspiledComponent(src: unknown): src is TranspiledComponent {
  return (
    typeof src === 'object' &&
    src !== null &&
    typeof Reflect.get(src, 'instantiate') === 'function' &&
    (typeof Reflect.get(src, 'modules') === 'function' ||
      Reflect.get(src, 'modules') instanceof URL)
  );
}
