// All that is known of the JavaScript that jco generates. Where a version of jco has it otherwise,
// test/wasm-adapter/components/jco-contract.test.ts says what has changed.

/** The name of the component for jco, and so of the files that it makes. */
export const NAME = 'component';

/** The options of jco that are the same for all components. */
export const fixedOptions = {
  name: NAME,
  instantiation: { tag: 'async' },
  noComponentErrorWrapping: false, // errors of results are thrown as Errors: see isComponentError
  noTypescript: true,
  base64Cutoff: 0, // small core modules are files too
  strict: true, // what is not of the type that WIT says throws, instead of being converted
};

/**
 * The options of jco's `generate`, which `jco transpile` makes of its own.
 *
 * @param map names of interfaces, as pairs of what stands in the component and what the code looks up
 * @param suspending what returns promises; undefined where nothing does
 */
export function generateOptions(
  map: readonly (readonly [string, string])[],
  suspending:
    | { readonly imports: readonly string[]; readonly exports: readonly string[] }
    | undefined,
): object {
  const asyncMode = suspending && { tag: 'jspi', val: suspending };
  return { ...fixedOptions, map, asyncMode };
}

/** Where an instance's globals are among its imports. */
export const GLOBALS = Symbol.for('@wasm-pool/globals');

/** Under what an instance's exports are in what `instantiate` resolves with. */
const EXPORTS = Symbol.for('@wasm-pool/exports');

/** As jco writes it, in async instantiation mode. */
const HEAD = /^export function instantiate\(getCoreModule, imports, .*\{$/m;

/** What jco's code takes from the global object that the pool has its own of. */
export const OWN_GLOBALS = [
  'FinalizationRegistry',
  'WebAssembly',
  'clearInterval',
  'clearTimeout',
  'setInterval',
  'setTimeout',
] as const;
const FAILED = 'wasmPoolImportFailed';
const OWN = `const { ${OWN_GLOBALS.join(', ')}, importFailed: ${FAILED} } = imports[Symbol.for('${GLOBALS.description}')];`;

/**
 * Where jco's code has caught what an import threw or rejected with, other than the error of a WIT
 * `result`, or what it could not take for the import's result. The task that asked is told, but not one
 * that waits for an event of a waitable set: nothing would end that.
 */
const IMPORT_FAILED = /_debugLog\((["'])\[_lowerImport\(\)\] import fn error:\1, err\);/g;

/** Where jco's code resolves the promise of an instance with its exports, which may have a `then`. */
const RESOLVE = /^( *)if \(done\) \{\n( *)if \(resolve\) return resolve\(value\);$/m;
const BOX = `value = { [Symbol.for('${EXPORTS.description}')]: value };`;

/** The list of exports at the end of what jco generates for a component: `return { one, two: two$1,  };`. */
const EXPORT_LIST = /^ *return \{([^{}]*)\};\n *\}\)\(\);$/m;

/**
 * jco's code, with what it takes from the global object taken from its imports instead, with its
 * exports in a box, so that no promise takes them for a thenable, and with imports that fail told. As
 * it is where its beginning is not as known.
 */
export function prepareCode(code: string): string {
  if (!HEAD.test(code)) return code;
  return code
    .replace(HEAD, (head) => `${head}\n  ${OWN}`)
    .replace(IMPORT_FAILED, (found) => `${found} ${FAILED}(err);`)
    .replace(RESOLVE, (found, indent) => found.replace('{\n', `{\n${indent}  ${BOX}\n`));
}

/** What an instance exports, from what `instantiate` resolved with. */
export function exportsOf(instantiated: unknown): object {
  const boxed = Object(instantiated);
  return Object(EXPORTS in boxed ? boxed[EXPORTS] : boxed);
}

/** The interfaces that a component exports, with their versions, as jco's code returns them. */
export function exportedInterfaces(instantiate: object): string[] {
  const list = EXPORT_LIST.exec(String(instantiate))?.[1] ?? '';
  return Array.from(list.matchAll(/['"]([^'"]+)['"]\s*:/g), ([, name = '']) => name);
}

/** The files of the core modules that jco's code asks for. */
export function coreModuleFiles(instantiate: object): string[] {
  const asked = String(instantiate).matchAll(/getCoreModule\(\s*['"`]([^'"`]+)['"`]\s*\)/g);
  return [...new Set(Array.from(asked, ([, file = '']) => file))];
}

/** Whether a promise would take the exports of a component for a thenable, and wait for ever. */
export function exportsLookLikeAPromise(instantiate: object): boolean {
  const code = String(instantiate);
  if (code.includes(BOX)) return false;
  const names = EXPORT_LIST.exec(code)?.[1]?.split(',') ?? [];
  return names.some((it) => it.trim().split(':')[0]?.trim() === 'then');
}

/** Whether `instantiate` comes from code that `prepareCode` gave globals of the pool. */
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
  /** The versions of the interfaces that the code looks up without one, by their names. */
  readonly unversioned: ReadonlyMap<string, readonly string[]>;
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
    unversioned: unversionedIn(code),
  };
}

/** All interfaces that the code names with a version, but for those that it looks up with that. */
function unversionedIn(code: string): ReadonlyMap<string, readonly string[]> {
  const interfaces = new Map<string, Set<string>>();
  const name = /([a-z][a-z0-9-]*(?::[a-z0-9-]+)+(?:\/[a-z0-9-]+)+)@(\d[\w.+-]*)(["'`]\])?/g;
  const lookedUp = new Set<string>();
  for (const [, bare = '', version = '', isLookUp] of code.matchAll(name)) {
    if (isLookUp !== undefined) lookedUp.add(`${bare}@${version}`);
    const versions = interfaces.get(bare) ?? new Set();
    interfaces.set(bare, versions.add(version));
  }
  return new Map(
    Array.from(interfaces, ([bare, versions]) => [
      bare,
      [...versions].filter((it) => !lookedUp.has(`${bare}@${it}`)),
    ]),
  );
}

/** Whether the code keeps tables of handles, in JavaScript, where no pool can reach them. */
export function keepsHandles(code: string): boolean {
  return /\bhandleTable\d/.test(code);
}

/** As much as is used of what jco makes of a WIT `stream`. */
export interface JcoStream {
  read(options?: unknown): Promise<{ value?: unknown; done?: boolean }>;
  [Symbol.dispose](): void;
}

/** As much as is used of what jco makes of a WIT `future`, which is read when it is first waited for. */
export interface JcoFuture extends PromiseLike<unknown> {
  /** Resolves with the future itself: as long as `resolve` runs, it has no `then`. */
  resolveAsValue(resolve: (value: unknown) => void): void;
}

/** jco's streams have its handle under a symbol that it registers, and can be iterated over. */
export function isJcoStream(value: object): value is JcoStream {
  return Symbol.for('cabiRep') in value && Symbol.asyncIterator in value;
}

/**
 * jco's futures are thenable, but not when they are to be passed on as values: `then` is an accessor.
 * A WIT record has no prototype with accessors, and nor has a resource, whatever their fields and
 * methods are named.
 */
export function isJcoFuture(value: unknown): value is JcoFuture {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || !Object.hasOwn(prototype, 'resolveAsValue')) return false;
  return Object.getOwnPropertyDescriptor(prototype, 'then')?.get !== undefined;
}

/** What jco makes records, variants, tuples and lists of. */
export function isPlain(value: object): boolean {
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether something is what jco throws for the error of a WIT `result`: a class that each instance has its own of. */
export function isComponentError(error: unknown): boolean {
  return error instanceof Error && error.constructor?.name === 'ComponentError';
}

/** What jco takes for the error of a WIT `result` when an import throws it. */
export function resultError(payload: unknown): Error {
  return Object.assign(new Error(JSON.stringify(payload) ?? 'an error'), { payload });
}

/** Whether an error is what `resultError` made. */
export function isResultError(error: unknown): boolean {
  return error instanceof Error && 'payload' in error;
}
