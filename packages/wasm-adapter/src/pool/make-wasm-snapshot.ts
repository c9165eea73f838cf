import { checkOptions } from '@wasm-pool/core/internal';
import { WasmError } from '../errors.js';
import { makeProgram } from '../program.js';
import { writeSnapshot } from '../snapshot/snapshot-file.js';
import type { Loaded } from '../wasm-source.js';
import { wasmOptionChecks } from './options.js';
import { WasmFactory } from './wasm-factory.js';
import type { WasmSnapshotOptions } from './wasm-snapshot-options.js';

const {
  name,
  imports,
  wasi,
  instantiate,
  promising,
  createTimeoutMillis,
  preinitialize: preinitializeCheck,
} = wasmOptionChecks;
const checks = {
  name,
  imports,
  wasi,
  instantiate,
  promising,
  createTimeoutMillis,
  preinitialize: preinitializeCheck,
};

/** What `createWasmSnapshot` does, and loads when it is first called. */
export async function makeWasmSnapshot<Exports, Context, Prepared>(
  loading: Promise<Loaded>,
  options: WasmSnapshotOptions<Exports, Context, Prepared>,
): Promise<Uint8Array<ArrayBuffer>> {
  checkOptions('createWasmSnapshot', options, checks);
  const poolName = options.name ?? 'wasm';
  if (options.preinitialize === undefined) {
    const message = `${poolName}: a snapshot is what preinitialize leaves, and it is not given; accepted: a function`;
    throw new WasmError('ERR_WASM_SNAPSHOT', message);
  }
  const program = await makeProgram(await loading, {});
  const factory = new WasmFactory<Exports, Context>(
    program,
    poolName,
    options as WasmSnapshotOptions<Exports, Context>,
  );
  const { bytes, ...content } = await factory.snapshot();
  return writeSnapshot(content, bytes, poolName);
}
