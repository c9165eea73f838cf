import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Transpiled } from './transpile.js';

/**
 * Where transpiled components are kept unless an option says otherwise: `wasm-pool` in what each
 * system has for caches; where that is not macOS or Windows, as the XDG Base Directory Specification
 * has it, by which a relative path counts as none. False where the user has no home.
 */
export function defaultCacheFolder(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: () => string = homedir,
): string | false {
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local } = env;
  try {
    if (platform === 'win32') {
      return join(local || join(home(), 'AppData', 'Local'), 'wasm-pool', 'cache');
    }
    if (platform === 'darwin') return join(home(), 'Library', 'Caches', 'wasm-pool');
    return join(isAbsolute(xdg) ? xdg : join(home(), '.cache'), 'wasm-pool');
  } catch {
    return false; // a user without an entry in the system's database, as in many containers
  }
}

/** What jco made of components, on disk: a file for each, and one with its code, to import. */
export class DiskCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** What was kept under a key; undefined where there is nothing, or it is damaged. */
  async read(key: string): Promise<Transpiled | undefined> {
    try {
      const entry = await readFile(this.#entry(key));
      const [digest, content] = [entry.subarray(0, 32), entry.subarray(32)];
      return sha256(content).equals(digest) ? deserialize(content) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps something. Rejects where it cannot be written. */
  async write(key: string, transpiled: Transpiled): Promise<void> {
    const content = serialize(transpiled);
    await this.#replace(this.#entry(key), Buffer.concat([sha256(content), content]));
  }

  /**
   * Where the code of something can be imported from: a file that is written where it is missing or
   * differs. It is named for its content, as Node.js never imports the same URL twice.
   */
  async importable(code: string): Promise<string> {
    const path = join(this.#folder, `${sha256(code).toString('hex')}.mjs`);
    const there = await readFile(path, 'utf8').catch(() => undefined);
    if (there !== code) await this.#replace(path, code);
    return path;
  }

  #entry(key: string): string {
    return join(this.#folder, `${sha256(key).toString('hex')}.component`);
  }

  /** At once or not at all: others, in other processes too, find the old file or the new one. */
  async #replace(path: string, content: string | Uint8Array): Promise<void> {
    const mine = `${path}.${randomUUID()}`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 }); // it holds code that is run
    try {
      await writeFile(mine, content, { mode: 0o600 });
      await rename(mine, path);
    } catch (error) {
      await rm(mine, { force: true });
      throw error;
    }
  }
}

function sha256(content: string | Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
