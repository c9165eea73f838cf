import { WasmError } from '../errors.js';

/** For which instance a loader returned what; of all pools, for a singleton is one in all of them. */
const returnedFor = new WeakMap<object, string>();

/** What the loader of one pool has returned so far, to notice one that keeps a single instance. */
export class LoaderResults {
  #first: { readonly name: string; readonly linked: boolean } | undefined = undefined;

  /**
   * Notes what a loader returned for an instance. Throws a `WasmError` `ERR_WASM_LOADER` where that is
   * what it returned before, or where it has made an instance for the first only.
   */
  check(loaded: unknown, name: string, linked: boolean): void {
    const first = this.#first;
    if (isObject(loaded)) {
      const before = returnedFor.get(loaded);
      if (before !== undefined) {
        throw singleton(
          `instantiate returned for ${name} the object that it had returned for ${before}`,
        );
      }
      returnedFor.set(loaded, name);
    }
    if (first?.linked && !linked) {
      throw singleton(`instantiate has made an instance for ${first.name}, and none for ${name}`);
    }
    this.#first ??= { name, linked };
  }
}

function singleton(what: string): WasmError {
  const message = `${what}: its loader keeps one for all. Accepted: a loader that makes a new one at each call; where it is a module with state of its own, import a copy for each instance, as import(\`./glue.js?\${instance.id}\`), or run it on threads, with createWasmWorkerPool`;
  return new WasmError('ERR_WASM_LOADER', message);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
