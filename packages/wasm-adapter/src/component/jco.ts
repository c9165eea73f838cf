import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, WasmError } from '../errors.js';

/** The packages that components may need, all of them optional peers. */
export type Peer =
  | '@bytecodealliance/jco'
  | '@bytecodealliance/preview2-shim'
  | '@bytecodealliance/preview3-shim';

/** The oldest version of each that is known to work, as in our package.json. */
const oldest: Readonly<Record<Peer, readonly [number, number]>> = {
  '@bytecodealliance/jco': [1, 35],
  '@bytecodealliance/preview2-shim': [0, 26],
  '@bytecodealliance/preview3-shim': [0, 7],
};

const require = createRequire(import.meta.url);

/** An installed peer. */
export interface Installed {
  readonly path: string;
  readonly version: string;
}

/** Finds a peer. Rejects with a `WasmError` `ERR_WASM_JCO` where it is missing or too old. */
export async function findPeer(peer: Peer, what: string): Promise<Installed> {
  let path: string;
  try {
    path = require.resolve(peer);
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

/** Imports a peer. Rejects as `installed`, or where it cannot be imported. */
export async function importPeer<M>(peer: Peer, entry: string, what: string): Promise<M> {
  await findPeer(peer, what);
  try {
    return await import(pathToFileURL(require.resolve(entry)).href);
  } catch (cause) {
    throw peerError(peer, `${entry} could not be imported: ${messageOf(cause)}`, cause);
  }
}

/** The versions of jco and of its package that does the work. Rejects as `installed`. */
export async function jcoVersions(what: string): Promise<readonly string[]> {
  const { path, version } = await findPeer('@bytecodealliance/jco', what);
  const worker = '@bytecodealliance/jco-transpile';
  return [version, await versionOf(createRequire(path).resolve(worker), worker)];
}

/** The version in the package.json above a file. */
async function versionOf(path: string, name: string): Promise<string> {
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
