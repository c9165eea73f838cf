import { WasmError } from '../../errors.js';
import { writeToProcess } from '../../platform/threads.js';
import type { HostFunctions } from '../wire/messages.js';
import { cloneError, movedOf } from '../wire/move.js';
import { ownBytes } from '../wire/own-bytes.js';
import { serializeError } from '../wire/serialized-error.js';
import type { HostAnswer, ThreadOutlet } from './thread.js';

/** Where output goes: a function of the bytes, or a stream of Node.js. */
export type OutputTarget = ((bytes: Uint8Array) => unknown) | { write(bytes: Uint8Array): unknown };

/** Calls host functions, and writes what the threads of a pool print. */
export class Outlet implements ThreadOutlet {
  readonly #hosts: HostFunctions;
  readonly #targets: readonly [OutputTarget | undefined, OutputTarget | undefined];

  constructor(
    hosts: HostFunctions,
    stdout: OutputTarget | undefined,
    stderr: OutputTarget | undefined,
  ) {
    this.#hosts = hosts;
    this.#targets = [stdout, stderr];
  }

  write(descriptor: 1 | 2, bytes: Uint8Array): void {
    const target = this.#targets[descriptor - 1];
    if (target === undefined) writeToProcess(descriptor, bytes);
    else if (typeof target === 'function') target(bytes);
    else target.write(bytes);
  }

  async callHost(name: string, args: readonly unknown[]): Promise<HostAnswer> {
    try {
      const found = Object.hasOwn(this.#hosts, name) ? this.#hosts[name] : undefined;
      if (found === undefined) {
        const message = `there is no host function ${name}; accepted: ${Object.keys(this.#hosts).join(', ')}`;
        throw new WasmError('ERR_WASM_TASK', message);
      }
      const value = await found(...(args as never[]));
      const moves = movedOf([value]);
      return { succeeded: true, value: ownBytes(value, moves), moves };
    } catch (error) {
      return { succeeded: false, value: posted(name, error), moves: [] };
    }
  }
}

function posted(name: string, error: unknown): unknown {
  try {
    return serializeError(error);
  } catch (cause) {
    return serializeError(cloneError(`what the host function ${name} threw`, cause));
  }
}
