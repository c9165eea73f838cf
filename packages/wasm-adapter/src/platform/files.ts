import { builtin } from './builtin.js';

/** Reads a whole file of the host. Rejects as `builtin` throws, and with what the system says. */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { readFile } = builtin('node:fs/promises', `reading ${path}`);
  return new Uint8Array(await readFile(path));
}

/** The path of a `file:` URL. Throws as `builtin`, and for a URL that names no local file. */
export function pathOfUrl(url: URL): string {
  return builtin('node:url', `reading ${url}`).fileURLToPath(url);
}
