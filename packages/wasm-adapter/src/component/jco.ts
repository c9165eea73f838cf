import { messageOf, WasmError } from '../errors.js';
import { builtin } from '../platform/builtin.js';
import { importModule } from '../platform/import-module.js';

/** The packages that components may need, all of them optional peers. */
export type Peer =
  | '@bytecodealliance/jco'
  | '@bytecodealliance/jco-transpile'
  | '@bytecodealliance/preview2-shim'
  | '@bytecodealliance/preview3-shim';

/** The oldest version of each that is known to work, as in our package.json. */
const oldest: Readonly<Record<Peer, readonly [number, number]>> = {
  '@bytecodealliance/jco': [1, 35],
  '@bytecodealliance/jco-transpile': [0, 15],
  '@bytecodealliance/preview2-shim': [0, 26],
  '@bytecodealliance/preview3-shim': [0, 7],
};

const JCO = '@bytecodealliance/jco';
const JCO_TRANSPILE = '@bytecodealliance/jco-transpile';

/** The transpiler alone: jco's other modules take twice the time to load. */
const TRANSPILER = `${JCO_TRANSPILE}/component`;

/** Finds packages as a file of this one would, or in a bundle that knows no URL, as the program would. */
function resolver(what: string): NodeJS.Require {
  const url = import.meta.url ?? builtin('node:path', what).resolve('package.json');
  return builtin('node:module', what).createRequire(url);
}

/** An installed peer. */
export interface Installed {
  readonly path: string;
  readonly version: string;
}

/** Finds a peer. Rejects with a `WasmError` `ERR_WASM_JCO` where it is missing or too old. */
export async function findPeer(peer: Peer, what: string): Promise<Installed> {
  let path: string;
  try {
    path = resolver(what).resolve(peer);
  } catch (cause) {
    throw peerError(peer, `${what} needs ${peer}, which is not installed`, cause);
  }
  const version = await versionOf(path, peer);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldest[peer];
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    const message = `${what} needs ${peer} ${oldestMajor}.${oldestMinor} or later, and ${version} is installed`;
    throw peerError(peer, message);
  }
  return { path, version };
}

/** Imports a peer. Rejects as `findPeer`, or where it cannot be imported. */
export async function importPeer<M>(peer: Peer, entry: string, what: string): Promise<M> {
  await findPeer(peer, what);
  try {
    return await importModule(urlOf(resolver(what).resolve(entry), what));
  } catch (cause) {
    throw peerError(peer, `${entry} could not be imported: ${messageOf(cause)}`, cause);
  }
}

/** What transpiles components. */
export interface Transpiler {
  /** The URL of the module to import. */
  readonly url: string;
  /** The versions of all packages that have a part in the result. */
  readonly versions: readonly string[];
}

/**
 * Finds jco, or the smaller package of it that does the work, where only that is installed. Rejects as
 * `findPeer`.
 */
export async function findTranspiler(what: string): Promise<Transpiler> {
  let missing: unknown;
  try {
    const { path, version } = await findPeer(JCO, what);
    const own = builtin('node:module', what).createRequire(path).resolve(TRANSPILER);
    const versions = [version, await versionOf(own, JCO_TRANSPILE)];
    return { url: urlOf(own, what), versions };
  } catch (error) {
    missing = error;
  }
  try {
    const { version } = await findPeer(JCO_TRANSPILE, what);
    return { url: urlOf(resolver(what).resolve(TRANSPILER), what), versions: [version] };
  } catch {
    throw missing;
  }
}

function urlOf(path: string, what: string): string {
  return builtin('node:url', what).pathToFileURL(path).href;
}

/** The version in the package.json above a file. */
async function versionOf(path: string, name: string): Promise<string> {
  const { readFile } = builtin('node:fs/promises', `reading ${path}`);
  const { dirname, join } = builtin('node:path', `reading ${path}`);
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
      if (manifest.name === name) return manifest.version;
    } catch {}
  }
  return 'unknown';
}

function peerError(peer: Peer, message: string, cause?: unknown): WasmError {
  return new WasmError('ERR_WASM_JCO', `${message}: npm install ${peer}`, { cause });
}
