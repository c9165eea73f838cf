import { builtin } from '../platform/builtin.js';
import { importModule } from '../platform/import-module.js';
import type { Instantiate } from './component.js';
import type { DiskCache } from './disk-cache.js';

/** Imports jco's code: from the cache, or where nothing can be written, from a URL that holds it. */
export async function importCode(code: string, cache: DiskCache | undefined): Promise<Instantiate> {
  const kept = await cache?.importable(code).catch(() => undefined);
  if (kept === undefined) return importFromMemory(code);
  const { pathToFileURL } = builtin('node:url', 'importing a transpiled component');
  return importFromUrl(pathToFileURL(kept).href);
}

/** Imports jco's code without a file. */
export function importFromMemory(code: string): Promise<Instantiate> {
  // Under a name, or each line of an error's stack would have the whole URL.
  const named = `${code}\n//# sourceURL=wasm-pool:component.js\n`;
  return importFromUrl(`data:text/javascript,${encodeURIComponent(named)}`);
}

/** Imports jco's code from where it is. */
export async function importFromUrl(url: string): Promise<Instantiate> {
  return (await importModule<{ instantiate: Instantiate }>(url)).instantiate;
}
