import { builtin } from '../platform/builtin.js';
import { importModule } from '../platform/import-module.js';
import type { Instantiate } from './component.js';
import { DiskCache } from './disk-cache.js';

/** Imports jco's code: from the cache, or from a folder that is there for that long. */
export async function importCode(code: string, cache: DiskCache | undefined): Promise<Instantiate> {
  const kept = await cache?.importable(code).catch(() => undefined);
  if (kept !== undefined) return importInstantiate(kept);
  const what = 'importing a transpiled component';
  const { mkdtemp, rm } = builtin('node:fs/promises', what);
  const { join } = builtin('node:path', what);
  const folder = await mkdtemp(join(builtin('node:os', what).tmpdir(), 'wasm-pool-'));
  try {
    return await importInstantiate(await new DiskCache(folder).importable(code));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importInstantiate(path: string): Promise<Instantiate> {
  const { pathToFileURL } = builtin('node:url', 'importing a transpiled component');
  const url = pathToFileURL(path).href;
  return (await importModule<{ instantiate: Instantiate }>(url)).instantiate;
}
