import { builtin } from '../platform/builtin.js';
import { whyFileNotPrivate, whyNotPrivate } from '../platform/private-folder.js';
import type { Transpiled } from './transpile.js';

const what = 'the cache of transpiled components';
const fs = () => builtin('node:fs/promises', what);
const join = (...parts: string[]) => builtin('node:path', what).join(...parts);

/**
 * Where transpiled components are kept unless an option says otherwise: `wasm-pool` in what each
 * system has for caches; where that is not macOS or Windows, as the XDG Base Directory Specification
 * has it, by which a relative path counts as none. False where the user has no home.
 */
export function defaultCacheFolder(
  platform: NodeJS.Platform = builtin('node:os', what).platform(),
  env: NodeJS.ProcessEnv = globalThis.process?.env ?? {},
  home: () => string = () => builtin('node:os', what).homedir(),
): string | false {
  const { XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local } = env;
  const { isAbsolute } = builtin('node:path', what);
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

/** What a cache may hold, and for how long after its last use. */
export interface CacheLimits {
  readonly bytes: number;
  readonly ageMillis: number;
}

const HOUR_MILLIS = 3_600_000;
const DAY_MILLIS = 24 * HOUR_MILLIS;
const defaultLimits: CacheLimits = { bytes: 512 * 2 ** 20, ageMillis: 30 * DAY_MILLIS };

/** A file of the cache, and the one that was to replace it when its process ended. */
const OURS = /^[0-9a-f]{64}(\.[\w.+-]+)?\.(component|mjs)$/;
const LEFT = /^[0-9a-f]{64}(\.[\w.+-]+)?\.(component|mjs)\.[0-9a-f-]{36}$/;

const warned = new Set<string>();

/** What jco made of components, on disk: a file for each, and one with its code, to import. */
export class DiskCache {
  readonly #folder: string;
  readonly #limits: CacheLimits;

  constructor(folder: string, limits = defaultLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /**
   * A cache in a folder, which is made where it is missing; undefined where that cannot be, and where
   * others could write there, which a warning says once: code in it would be theirs.
   */
  static async open(folder: string, limits = defaultLimits): Promise<DiskCache | undefined> {
    try {
      await fs().mkdir(folder, { recursive: true, mode: 0o700 });
      const why = await whyNotPrivate(folder);
      if (why === undefined) return new DiskCache(folder, limits);
      warnOnce(folder, why);
    } catch {} // it is no folder, or cannot be read
    return undefined;
  }

  /**
   * The entry under a key, made by these versions of jco, or by any version if they are undefined.
   * Resolves with undefined where there is nothing, or it is damaged, or not this user's own.
   */
  async read(
    key: string,
    versions: readonly string[] | undefined,
  ): Promise<Transpiled | undefined> {
    try {
      const path = await this.#find(key, versions);
      if (path === undefined || (await whyFileNotPrivate(path)) !== undefined) return undefined;
      const entry = await fs().readFile(path);
      const [digest, content] = [entry.subarray(0, 32), entry.subarray(32)];
      if (!sha256(content).equals(digest)) return undefined;
      await touch(path);
      return builtin('node:v8', what).deserialize(content);
    } catch {
      return undefined;
    }
  }

  /** Keeps something, and deletes what is too old or too much. Rejects where it cannot be written. */
  async write(key: string, versions: readonly string[], transpiled: Transpiled): Promise<void> {
    const content = builtin('node:v8', what).serialize(transpiled);
    await this.#replace(this.#entry(key, versions), Buffer.concat([sha256(content), content]));
    await this.#prune();
  }

  /**
   * Where the code of something can be imported from: a file that is written where it is missing or
   * differs, or others could write to it. It is named for its content, as Node.js never imports the
   * same URL twice.
   */
  async importable(code: string): Promise<string> {
    const path = join(this.#folder, `${sha256(code).toString('hex')}.mjs`);
    const there = await fs()
      .readFile(path, 'utf8')
      .catch(() => undefined);
    if (there === code && (await whyFileNotPrivate(path)) === undefined) await touch(path);
    else await this.#replace(path, code);
    return path;
  }

  async #find(key: string, versions: readonly string[] | undefined): Promise<string | undefined> {
    if (versions !== undefined) return this.#entry(key, versions);
    const start = sha256(key).toString('hex');
    const names = await fs().readdir(this.#folder);
    const last = names
      .filter((it) => it.startsWith(start) && OURS.test(it))
      .sort()
      .at(-1);
    return last && join(this.#folder, last);
  }

  #entry(key: string, versions: readonly string[]): string {
    const made = versions.join('+').replace(/[^\w.+-]/g, '_');
    return join(this.#folder, `${sha256(key).toString('hex')}.${made}.component`);
  }

  /** Deletes what was not used for too long, and then the oldest, until the rest is small enough. */
  async #prune(): Promise<void> {
    const now = Date.now();
    const files: { path: string; size: number; usedAt: number }[] = [];
    for (const name of await fs().readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const isLeft = LEFT.test(name);
      if (!isLeft && !OURS.test(name)) continue; // it is not ours to delete
      const stat = await fs()
        .lstat(path)
        .catch(() => undefined);
      if (stat === undefined) continue; // another process was first
      const ageMillis = now - stat.mtimeMs;
      const isOld = ageMillis > (isLeft ? HOUR_MILLIS : this.#limits.ageMillis);
      if (isOld) await fs().rm(path, { force: true });
      else if (!isLeft) files.push({ path, size: stat.size, usedAt: stat.mtimeMs });
    }
    files.sort((one, other) => other.usedAt - one.usedAt);
    let bytes = 0;
    for (const { path, size } of files) {
      bytes += size;
      if (bytes > this.#limits.bytes) await fs().rm(path, { force: true });
    }
  }

  /** At once or not at all: others, in other processes too, find the old file or the new one. */
  async #replace(path: string, content: string | Uint8Array): Promise<void> {
    const mine = `${path}.${builtin('node:crypto', what).randomUUID()}`;
    try {
      await fs().writeFile(mine, content, { mode: 0o600, flag: 'wx' });
      await fs().rename(mine, path);
    } catch (error) {
      await fs().rm(mine, { force: true });
      throw error;
    }
  }
}

/** Notes a use, in the time at which the file was changed; not each: that would be a write for each read. */
async function touch(path: string): Promise<void> {
  const now = Date.now();
  try {
    const { mtimeMs } = await fs().stat(path);
    if (now - mtimeMs > DAY_MILLIS) await fs().utimes(path, now / 1000, now / 1000);
  } catch {} // a cache that can only be read serves as well
}

function warnOnce(folder: string, why: string): void {
  if (warned.has(folder)) return;
  warned.add(folder);
  process.emitWarning(
    `the cache of transpiled components in ${folder} is not used: ${why}; accepted: a folder that only this user can write to`,
    { code: 'WASM_POOL_CACHE' },
  );
}

function sha256(content: string | Uint8Array): Buffer {
  return builtin('node:crypto', what).createHash('sha256').update(content).digest();
}
