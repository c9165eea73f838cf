import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '../..');

/** Imports a source file of a package that is not a part of what the package exports. */
export async function importSource<M>(path: string): Promise<M> {
  const bundle = await rolldown({ input: join(root, 'packages', path), platform: 'node' });
  // Where packages are found, and git does not look.
  const folder = mkdtempSync(join(root, 'test/node_modules/.source-'));
  try {
    const file = join(folder, 'source.mjs');
    await bundle.write({ file, format: 'esm', codeSplitting: false });
    return await import(pathToFileURL(file).href);
  } finally {
    await bundle.close();
    rmSync(folder, { recursive: true });
  }
}
