import { builtin } from './builtin.js';

/** What a job may take before it is ended. */
export interface JobLimits {
  /** How long it may take, in milliseconds, from when its thread is started. */
  readonly timeoutMillis: number;
  /** How much its JavaScript may hold, in bytes. What its WebAssembly may hold is for the script to limit. */
  readonly memoryBytes: number;
}

/** A job that gave no result. */
export class JobError extends Error {
  /** What the thread wrote to its standard error, as much as an error message can show. */
  readonly said: string;

  constructor(message: string, said: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'JobError';
    this.said = said;
  }
}

const MIB = 2 ** 20;
const MAX_SAID = 1000;

/**
 * Runs a script on a thread that does nothing else, and is ended afterwards whatever became of it: what
 * the script breaks, or is broken by, is gone with it. The script gets `job` as its `workerData`, and
 * posts one message, the result.
 *
 * Rejects with a `JobError` where the script takes more than its limits, throws, or ends without a result.
 */
export async function runOneJob<Result>(
  script: URL,
  job: unknown,
  { timeoutMillis, memoryBytes }: JobLimits,
  what: string,
): Promise<Result> {
  const { Worker } = builtin('node:worker_threads', what);
  const worker = new Worker(script, {
    name: what,
    workerData: job,
    execArgv: [], // --input-type and the like are for the process's own script
    stdout: true, // what a guest can have printed is nothing for the process's own streams
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: Math.max(Math.ceil(memoryBytes / MIB), 16) },
  });
  let said = '';
  worker.stdout.resume();
  worker.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < MAX_SAID) said = (said + text).slice(0, MAX_SAID);
  });
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const fail = (message: string, cause?: unknown) => reject(new JobError(message, said, { cause }));
  worker.once('message', resolve);
  worker.once('messageerror', (cause) => fail('its result could not be read', cause));
  worker.once('error', (cause: Error & { code?: string }) => {
    const outOfMemory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
    fail(outOfMemory ? `it took more than ${memoryBytes} bytes of memory` : cause.message, cause);
  });
  worker.once('exit', (code) => fail(`its thread ended with code ${code}, without a result`));
  const timer = setTimeout(() => fail(`it took longer than ${timeoutMillis} ms`), timeoutMillis);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
