import { isThenable } from '@wasm-pool/core/internal';
import { WasmError, WasmExit } from '../errors.js';
import { CollectedOutput } from '../instance/wasi/collected-output.js';
import type { CommandWasi } from '../instance/wasi/command-wasi.js';
import { type WasiOptions, wasiDefaults } from '../instance/wasi/options.js';

/** What came of a run. */
export interface CommandEnd {
  /** The code that it exited with; undefined: it threw. */
  readonly exitCode: number | undefined;
  readonly error: unknown;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Runs a command once, on an instance that nobody has started. Never rejects for what the guest did. */
export async function runOnInstance(
  exports: WebAssembly.Exports,
  wasi: CommandWasi,
  options: WasiOptions,
): Promise<CommandEnd> {
  const { maxOutputBytes = wasiDefaults.maxOutputBytes } = options;
  const stdout = new CollectedOutput(maxOutputBytes);
  const stderr = new CollectedOutput(maxOutputBytes);
  await wasi.configure({
    ...options,
    stdout: options.stdout ?? stdout,
    stderr: options.stderr ?? stderr,
  });
  let exitCode: number | undefined;
  let error: unknown;
  try {
    const { _start: start } = exports; // WASI application ABI
    const run: unknown = typeof start === 'function' ? start() : undefined;
    if (isThenable(run)) await run;
    exitCode = 0;
  } catch (thrown) {
    if (thrown instanceof WasmExit) ({ exitCode } = thrown);
    else error = thrown;
  }
  const files = wasi.files?.toMap() ?? new Map<string, Uint8Array>();
  return { exitCode, error, stdout: stdout.bytes(), stderr: stderr.bytes(), files };
}

/** Throws a `WasmError` `ERR_WASM_LINK` for a module that is no command. */
export function assertCommand(module: WebAssembly.Module, name: string): void {
  const exported = WebAssembly.Module.exports(module);
  if (exported.some((it) => it.name === '_start' && it.kind === 'function')) return;
  const names = exported.map((it) => it.name).join(', ') || 'nothing';
  throw new WasmError(
    'ERR_WASM_LINK',
    `${name} is no command: it exports ${names}; accepted: a module that exports the function _start (for others, createWasmPool)`,
  );
}
