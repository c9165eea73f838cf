import type { HttpAnswer } from '@wasm-pool/core';
import { type AnswerOptions, answerOf, setAnswer } from '@wasm-pool/core/internal';

/** The stable codes of a `WasmError`. */
export type WasmErrorCode =
  /** `src` could not be read: no such file, not a 200, the wrong content type, or no source at all. */
  | 'ERR_WASM_SOURCE'
  /** The bytes are no core module that this V8 accepts, and no component that jco does. */
  | 'ERR_WASM_COMPILE'
  /** A component of a version that is not known, or with an option that is for core modules. */
  | 'ERR_WASM_COMPONENT'
  /** A package that components need is missing or too old. */
  | 'ERR_WASM_JCO'
  /** An import is missing, or is not what the module asks for; or an export that an option names is. */
  | 'ERR_WASM_LINK'
  /** The module's start function, `_initialize` or `_start` trapped, or it exited with a code. */
  | 'ERR_WASM_START'
  /** The module called WASI's `proc_exit`; see `WasmExit`. */
  | 'ERR_WASM_EXIT'
  /** A state cannot be copied exactly, or a snapshot is damaged or belongs to another module. */
  | 'ERR_WASM_SNAPSHOT'
  /** V8 has no memory or address space left for a further instance. */
  | 'ERR_WASM_MEMORY'
  /** A loader gave for two instances what is one. */
  | 'ERR_WASM_LOADER'
  /** A module asks for more than its pool's `limits`, or `maxMemoryBytes`, let it have. */
  | 'ERR_WASM_LIMIT'
  /** The budget of a pool factory is spent, and nothing idle is left to give way. */
  | 'ERR_WASM_BUDGET'
  /** This JavaScript engine cannot suspend WebAssembly. */
  | 'ERR_WASM_JSPI'
  /** An instance, or one of its exports, was used that is not on loan. */
  | 'ERR_WASM_NOT_LENT'
  /** A call on a worker ran for longer than `callTimeoutMillis`, and its thread was ended. */
  | 'ERR_WASM_CALL_TIMEOUT'
  /** A thread ended while it had a call, or before it had made its instance. `cause` says why. */
  | 'ERR_WASM_WORKER_EXIT'
  /** A guest on a thread threw an exception of WebAssembly; see `WasmException`. */
  | 'ERR_WASM_EXCEPTION'
  /** An argument or a result cannot go from one thread to the other. */
  | 'ERR_WASM_CLONE'
  /** There is no task or function export of that name. */
  | 'ERR_WASM_TASK'
  /** This platform lacks what was asked for: files of the host in a browser, say. */
  | 'ERR_WASM_PLATFORM'
  /** A command ended with an exit code other than 0, or by a trap; see `WasmCommandError`. */
  | 'ERR_WASM_COMMAND'
  /** A guest wrote more than the output that keeps it may take. */
  | 'ERR_WASM_OUTPUT'
  /** A standard stream of WASI gave or got what it cannot take. */
  | 'ERR_WASM_STDIO'
  /** A guest would sleep for longer than it may block its thread. */
  | 'ERR_WASM_SLEEP'
  /** `serveTasks` was called where no pool has started a thread. */
  | 'ERR_WASM_WORKER'
  /** The pool factory is closed. */
  | 'ERR_WASM_CLOSED';

/** What a web framework answers where that is not 500, and whether the call may succeed later. */
const answers: Partial<Record<WasmErrorCode, AnswerOptions>> = {
  ERR_WASM_MEMORY: { statusCode: 503, retryable: true },
  ERR_WASM_BUDGET: { statusCode: 503, retryable: true },
  ERR_WASM_CLOSED: { statusCode: 503 },
  ERR_WASM_CALL_TIMEOUT: { statusCode: 504 },
};

/**
 * What goes wrong with a module or an instance. `message` says what was given and what is accepted. A
 * web framework reads what to answer of it: see core's `HttpAnswer`.
 */
export class WasmError extends Error implements HttpAnswer {
  declare readonly statusCode: number;
  declare readonly retryable: boolean;
  declare readonly retryAfterMillis?: number;
  declare readonly headers: Readonly<Record<string, string>>;
  declare readonly expose: false;

  /** The same in every version. */
  readonly code: WasmErrorCode;

  constructor(code: WasmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WasmError';
    this.code = code;
    setAnswer(this, { ...answerOf(options?.cause), ...answers[code] });
  }
}

/** `ERR_WASM_EXIT`: thrown through the module when it calls WASI's `proc_exit`. */
export class WasmExit extends WasmError {
  /** The code that it exited with. */
  readonly exitCode: number;

  constructor(exitCode: number, name: string) {
    super('ERR_WASM_EXIT', `${name} exited with code ${exitCode}`);
    this.name = 'WasmExit';
    this.exitCode = exitCode;
  }
}

/**
 * `ERR_WASM_EXCEPTION`: stands for a `WebAssembly.Exception` that a guest threw on another thread,
 * for such an exception cannot leave its thread.
 */
export class WasmException extends WasmError {
  /** The name under which the instance exports the exception's tag; undefined where it does not. */
  readonly tag: string | undefined;
  /** The values that the exception carries, where its tag is exported. */
  readonly values: readonly unknown[];

  constructor(message: string, tag: string | undefined, values: readonly unknown[]) {
    super('ERR_WASM_EXCEPTION', message);
    this.name = 'WasmException';
    this.tag = tag;
    this.values = values;
  }
}

/** What an error says, or any other thing that was thrown. */
export function messageOf(cause: unknown): string {
  try {
    return String(cause instanceof Error ? cause.message : cause);
  } catch {
    return 'what was thrown has no text';
  }
}
