/** Where an instance's globals are among its imports. */
export const GLOBALS = Symbol.for('@wasm-pool/globals');

/** As jco writes it, in async instantiation mode. */
const HEAD = /^export function instantiate\(getCoreModule, imports, .*\{$/m;
const NAMES = 'WebAssembly, clearInterval, clearTimeout, setInterval, setTimeout';
const OWN = `const { ${NAMES} } = imports[Symbol.for('${GLOBALS.description}')];`;

/** jco's code, with what it takes from the global object taken from its imports instead. */
export function withOwnGlobals(code: string): string {
  return code.replace(HEAD, `$&\n  ${OWN}`);
}

/** Whether `instantiate` comes from code that `withOwnGlobals` changed. */
export function hasOwnGlobals(instantiate: object): boolean {
  return String(instantiate).includes(OWN);
}

/** What can be read in jco's code of a component. */
export interface CodeTraits {
  /** Whether the component deals in WIT streams or futures. */
  readonly hasStreams: boolean;
  /** Whether the pool cannot see what its tasks come to once they have answered. */
  readonly hidesTasks: boolean;
  /** Whether it imports WASI. */
  readonly importsWasi: boolean;
  /** Whether it imports WASI's preview 3. */
  readonly importsWasi3: boolean;
  /** The interfaces of preview 3 that the code looks up without a version. */
  readonly unversionedWasi3: ReadonlySet<string>;
}

/**
 * Reads the traits of a component in jco's code. The code has classes for streams and futures where
 * there are any. It looks up imports by their names, with a version where jco was told to keep that,
 * and has the full name of each function.
 */
export function traitsOf(instantiate: object): CodeTraits {
  const code = String(instantiate);
  const versioned = /["'`]wasi:[a-z-]+\/[a-z0-9-]+@0\.3[\w.-]*["'`]\]/.test(code);
  const of3 = versioned ? [] : code.matchAll(/(wasi:[a-z-]+\/[a-z0-9-]+)@0\.3[\w.-]*#/g);
  const unversionedWasi3 = new Set(Array.from(of3, ([, name = '']) => name));
  return {
    hasStreams: /(Stream|Future)ReadableEnd/.test(code),
    hidesTasks: /\[async-lift/.test(code) && !hasOwnGlobals(instantiate),
    importsWasi: /["'`]wasi:/.test(code),
    importsWasi3: versioned || unversionedWasi3.size > 0,
    unversionedWasi3,
  };
}

/** Whether the code keeps tables of handles, in JavaScript, where no pool can reach them. */
export function keepsHandles(code: string): boolean {
  return /\bhandleTable\d/.test(code);
}
