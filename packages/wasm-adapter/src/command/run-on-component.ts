import { isThenable } from '@wasm-pool/core/internal';
import { isComponentError } from '../component/jco-code.js';
import { WasmError, WasmExit } from '../errors.js';
import type { ComponentWasiOptions } from '../instance/component/component-wasi.js';
import { CollectedOutput } from '../instance/wasi/collected-output.js';
import { type WasiOptions, wasiDefaults } from '../instance/wasi/options.js';
import { type OutputStream, outputStream } from '../instance/wasi/streams.js';
import type { CommandEnd } from './run-on-instance.js';

/** What one instance of a component sees of the world: what its run is given, once that begins. */
export class ComponentWorld {
  readonly wasi: ComponentWasiOptions;
  #run: WasiOptions;
  #outputs: Readonly<Record<'stdout' | 'stderr', OutputStream>> | undefined = undefined;

  /** @param first what it sees before its run */
  constructor(first: WasiOptions, preopens: ComponentWasiOptions['preopens']) {
    this.#run = first;
    const write = (to: 'stdout' | 'stderr') => (chunk: Uint8Array<ArrayBuffer>) =>
      this.#outputs?.[to].write(chunk);
    const run = () => this.#run;
    this.wasi = {
      get args() {
        return run().args;
      },
      get env() {
        return definedOnly(run().env);
      },
      get stdin() {
        const { stdin } = run();
        return typeof stdin === 'string' || stdin instanceof Uint8Array ? stdin : undefined;
      },
      stdout: write('stdout'),
      stderr: write('stderr'),
      ...(preopens !== undefined && { preopens }),
    };
  }

  begin(run: WasiOptions, outputs: Readonly<Record<'stdout' | 'stderr', OutputStream>>): void {
    this.#run = run;
    this.#outputs = outputs;
  }
}

function definedOnly(env: WasiOptions['env'] = {}): Record<string, string> {
  const given = Object.entries(env).filter((it): it is [string, string] => it[1] !== undefined);
  return Object.fromEntries(given);
}

/** Runs a command once, on an instance that nobody has used. Never rejects for what the guest did. */
export async function runOnComponent(
  exports: object,
  world: ComponentWorld,
  options: WasiOptions,
): Promise<CommandEnd> {
  const { maxOutputBytes = wasiDefaults.maxOutputBytes } = options;
  const stdout = new CollectedOutput(maxOutputBytes);
  const stderr = new CollectedOutput(maxOutputBytes);
  world.begin(options, {
    stdout: outputStream(options.stdout ?? stdout, 1, maxOutputBytes, false),
    stderr: outputStream(options.stderr ?? stderr, 2, maxOutputBytes, false),
  });
  let exitCode: number | undefined;
  let error: unknown;
  try {
    const result: unknown = runOf(exports)?.();
    if (isThenable(result)) await result;
    exitCode = 0;
  } catch (thrown) {
    if (thrown instanceof WasmExit) ({ exitCode } = thrown);
    else if (isComponentError(thrown))
      exitCode = 1; // its result is an error, which says no more
    else error = thrown;
  }
  return { exitCode, error, stdout: stdout.bytes(), stderr: stderr.bytes(), files: new Map() };
}

/** The function of `wasi:cli/run`, of whatever version. */
function runOf(exports: object): (() => unknown) | undefined {
  for (const [name, exported] of Object.entries(exports)) {
    if (/^wasi:cli\/run(@|$)/.test(name)) return (exported as { run(): unknown }).run;
  }
  return undefined;
}

/** Throws a `WasmError` `ERR_WASM_LINK` for a component that is no command. */
export function assertComponentCommand(exports: object, name: string): void {
  if (runOf(exports) !== undefined) return;
  const names = Object.keys(exports).join(', ') || 'nothing';
  throw new WasmError(
    'ERR_WASM_LINK',
    `${name} is no command: it exports ${names}; accepted: a component that exports wasi:cli/run (for others, createWasmPool)`,
  );
}
