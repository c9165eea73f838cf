import type { OptionCheck } from '@wasm-pool/core/internal';

/** How a component is transpiled, and where the result is kept. */
export interface ComponentOptions {
  /**
   * The folder in which transpiled components are kept, by their content, jco's version and options;
   * false: nowhere. Default: `wasm-pool` in the user's cache folder. It holds code that is run:
   * nobody else should be able to write there. Nothing is kept where it cannot be written.
   */
  cache?: string | false | undefined;
  /**
   * With `promising`: the imports that return promises, as jco's option of that name takes them:
   * `'ns:pkg/interface#function'`, the name of a function of the world, or `'*'` for all of them.
   * WIT's own `async` functions need not be named.
   */
  asyncImports?: readonly string[] | undefined;
}

export const componentChecks: Readonly<Record<keyof ComponentOptions, OptionCheck>> = {
  cache: {
    accepts: 'the path of a folder, or false',
    test: (value) => value === false || (typeof value === 'string' && value !== ''),
  },
  asyncImports: {
    accepts: "an array of names of imports, as in 'ns:pkg/interface#function'",
    test: (value) => Array.isArray(value) && value.every((it) => typeof it === 'string'),
  },
};
