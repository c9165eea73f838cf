/** The stable codes of a run that gave no result. */
export type ScriptErrorCode =
  | 'ERR_SCRIPT_THREW'
  | 'ERR_SCRIPT_PENDING'
  | 'ERR_SCRIPT_RESULT'
  | 'ERR_SCRIPT_CPU'
  | 'ERR_SCRIPT_DEADLINE'
  | 'ERR_SCRIPT_MEMORY'
  | 'ERR_SCRIPT_STACK'
  | 'ERR_SCRIPT_RESULT_SIZE'
  | 'ERR_SCRIPT_CONSOLE_SIZE'
  | 'ERR_SCRIPT_CRASHED'
  | 'ERR_SCRIPT_CANCELLED';

/** What a script threw: its words, in no way to be trusted. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** Why a script gave no result: it is the script's fault, and said to who sent it. */
export class ScriptError extends Error {
  readonly code: ScriptErrorCode;
  readonly thrown: Thrown | undefined;

  constructor(code: ScriptErrorCode, message: string, thrown?: Thrown) {
    super(message);
    this.name = 'ScriptError';
    this.code = code;
    this.thrown = thrown;
  }
}
