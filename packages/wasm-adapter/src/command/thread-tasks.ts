// What runs on the threads of a pool of commands.
import { messageOf, WasmError } from '../errors.js';
import { CommandSlot } from '../instance/wasi/command-wasi.js';
import type { WasiOptions } from '../instance/wasi/options.js';
import type { WasmInstance } from '../instance/wasm-instance.js';
import { runOnInstance } from './run-on-instance.js';

/** The world of the one instance that this thread has. */
let slot: CommandSlot | undefined;

/** A run's end as it is posted: an error of the guest is taken apart where it is told. */
export interface PostedEnd {
  readonly exitCode: number | undefined;
  readonly failure: { readonly code: string | undefined; readonly message: string } | undefined;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The `wasi` of the pool: see `createWasmWorkerPool`. */
export function wasi(): object {
  slot = new CommandSlot({});
  return slot;
}

/** The task: one run. */
export async function runCommand(
  { exports }: WasmInstance,
  options: WasiOptions,
): Promise<PostedEnd> {
  if (slot === undefined) throw new TypeError('the thread has no instance');
  const { error, ...end } = await runOnInstance(exports, slot.context, options);
  const code = error instanceof WasmError ? error.code : undefined;
  return { ...end, failure: error === undefined ? undefined : { code, message: messageOf(error) } };
}
