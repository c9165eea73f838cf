import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { OptionError } from '@wasm-pool/core';
import { messageOf } from '../errors.js';
import { createWasmSnapshot } from '../pool/create-wasm-snapshot.js';
import type { WasmSnapshotOptions } from '../pool/wasm-snapshot-options.js';

export const usage =
  'snapshot MODULE.wasm --preinitialize PREPARE.js -o OUT.snapshot   writes the state that PREPARE.js prepares';

/** The exports of a module that are options; others are ignored. */
const optionNames = ['preinitialize', 'imports', 'wasi', 'instantiate', 'promising'] as const;

/**
 * `npx wasm-pool snapshot`: prepares an instance with what a JavaScript module exports, and writes its
 * state to a file, for the `snapshot` option of a pool. Says on standard error what it does, and how
 * large everything is. Rejects with an `OptionError` for bad arguments, and as `createWasmSnapshot`
 * does; the file is then as it was.
 */
export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      preinitialize: { type: 'string', short: 'p' },
      output: { type: 'string', short: 'o' },
    },
  });
  const [path, ...more] = positionals;
  const { preinitialize, output } = values;
  if (path === undefined) throw new OptionError(`no module is given; accepted: ${usage}`);
  if (more.length > 0) {
    throw new OptionError(`${more.join(' ')} is given beside ${path}; accepted: one module`);
  }
  if (preinitialize === undefined || output === undefined) {
    const missing = preinitialize === undefined ? '--preinitialize' : '--output (-o)';
    throw new OptionError(`${missing} is not given; accepted: ${usage}`);
  }
  const module = await read(path);
  progress(`${path}: a module of ${size(module.length)}`);
  const options = await optionsFrom(preinitialize);
  const begun = performance.now();
  const snapshot = await createWasmSnapshot(module, { ...options, name: path });
  progress(`${preinitialize}: prepared in ${Math.round(performance.now() - begun)} ms`);
  await writeWhole(output, snapshot);
  progress(`${output}: a snapshot of ${size(snapshot.length)}`);
  return 0;
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new OptionError(`${path} could not be read: ${messageOf(cause)}`);
  }
}

/** What a JavaScript module exports, by name or in its default object. */
async function optionsFrom(path: string): Promise<WasmSnapshotOptions> {
  const exports: Record<string, unknown> = await import(pathToFileURL(resolve(path)).href);
  const given = { ...Object(exports.default), ...exports };
  const found = optionNames.flatMap((name) =>
    given[name] === undefined ? [] : [[name, given[name]] as const],
  );
  const options: Partial<WasmSnapshotOptions> = Object.fromEntries(found);
  const { preinitialize } = options;
  if (typeof preinitialize !== 'function') {
    throw new OptionError(
      `${path} exports ${Object.keys(exports).join(', ') || 'nothing'}; accepted: a function preinitialize, and where the module needs them ${optionNames.slice(1).join(', ')}`,
    );
  }
  return { ...options, preinitialize };
}

/** The whole file, or none of it: a build that is cut off leaves the old one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  await writeFile(part, bytes);
  await rename(part, path);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

function size(bytes: number): string {
  if (bytes < 10_240) return `${bytes} bytes`;
  return bytes < 10 * 2 ** 20
    ? `${Math.round(bytes / 1024)} KiB`
    : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
