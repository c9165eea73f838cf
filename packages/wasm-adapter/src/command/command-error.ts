import { WasmError, type WasmErrorCode } from '../errors.js';

/**
 * A run of a command that failed: `ERR_WASM_COMMAND` for a trap, or, with `reject: true`, an exit code
 * other than 0; `ERR_WASM_OUTPUT` where it wrote too much; `ERR_WASM_CALL_TIMEOUT` where it took too
 * long. `cause` is what it threw. What it wrote until then is kept.
 */
export class WasmCommandError extends WasmError {
  /** The code that it exited with; undefined: it did not come to that. */
  readonly exitCode: number | undefined;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;

  constructor(
    code: WasmErrorCode,
    message: string,
    { exitCode, stdout, stderr, cause }: CommandFailure,
  ) {
    super(code, message, cause === undefined ? undefined : { cause });
    this.name = 'WasmCommandError';
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** The facts about a run that failed. */
export interface CommandFailure {
  readonly exitCode: number | undefined;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: Uint8Array<ArrayBuffer>;
  readonly cause?: unknown;
}
