import type { ComponentOptions } from './component-options.js';

/** The options of a pool that decide how a component is transpiled. */
export interface TranspilingOptions {
  readonly component?: ComponentOptions | undefined;
  readonly promising?: readonly string[] | boolean | undefined;
}

/** The options of jco that depend on the pool's. */
export interface TranspileOptions {
  /** As jco's option: imports that return promises, `'ns:pkg/interface#function'`, or `'*'` for all. */
  readonly asyncImports: readonly string[];
  /** As jco's option: exports that are to return promises, named in the same way. */
  readonly asyncExports: readonly string[];
}

/** What jco may take for one component. */
export interface TranspileLimits {
  readonly timeoutMillis: number;
  /** Of its JavaScript and its WebAssembly, each. */
  readonly memoryBytes: number;
}

const DEFAULT_TIMEOUT_MILLIS = 120_000;
const DEFAULT_MEMORY_BYTES = 2 ** 30;

/** What a component is transpiled with, for these options of a pool. */
export function transpileOptions({ component, promising }: TranspilingOptions): TranspileOptions {
  const asyncExports = promising === true ? ['*'] : promising || [];
  return { asyncImports: component?.asyncImports ?? [], asyncExports };
}

/** What transpiling may take, for these options of a pool. */
export function transpileLimits({ component }: TranspilingOptions): TranspileLimits {
  const {
    transpileTimeoutMillis: timeoutMillis = DEFAULT_TIMEOUT_MILLIS,
    transpileMemoryBytes: memoryBytes = DEFAULT_MEMORY_BYTES,
  } = component ?? {};
  return { timeoutMillis, memoryBytes };
}
