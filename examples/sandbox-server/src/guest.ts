import {
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSRuntime,
  Scope,
} from 'quickjs-emscripten-core';
import type { Limits } from './config.js';
import type { Engine } from './quickjs-pool.js';
import { ScriptError, type Thrown } from './script-error.js';
import { Sleepers } from './sleepers.js';
import { openWorld, resumeWorld } from './world.js';

const MIB = 1024 * 1024;

/** What a guest asks of its host. */
export interface Host {
  /** Whether the script is to be stopped. */
  shouldStop(): boolean;
  /** Takes a line of `length` characters, read by `read`; may throw to the script. */
  write(level: string, length: number, read: () => string): void;
  /** A sleep is over. */
  wake(): void;
  /** How large the instance's memory is. */
  memoryBytes(): number;
}

/**
 * One script in its world: a runtime and a context of its own in a pooled engine, made for it, or there
 * since the engine was copied. Every method enters the engine, and throws a `ScriptError` for what the
 * script threw.
 */
export class Guest {
  readonly sleepers: Sleepers;
  readonly #limits: Limits;
  readonly #host: Host;
  readonly #scope = new Scope();
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #helpers: QuickJSHandle;
  /** Of the script's last expression. */
  #value: QuickJSHandle;
  /** See `World`. */
  readonly #reserve: QuickJSHandle;

  constructor({ quickjs, world }: Engine, limits: Limits, host: Host) {
    this.#limits = limits;
    this.#host = host;
    const functions = (context: QuickJSContext) => ({
      write: (level: QuickJSHandle, json: QuickJSHandle) => {
        const read = () => JSON.parse(context.getString(json));
        host.write(context.getString(level), this.#lengthOf(json), read);
      },
      sleep: (millis: QuickJSHandle) => this.sleepers.sleep(context.getNumber(millis)),
    });
    const opened = world
      ? resumeWorld(quickjs, world, functions)
      : openWorld(quickjs, limits.stackBytes, functions);
    this.#runtime = opened.runtime;
    this.#context = opened.context;
    this.#helpers = this.#scope.manage(opened.helpers);
    this.#reserve = this.#scope.manage(opened.reserve);
    this.#runtime.setInterruptHandler(() => host.shouldStop());
    this.#value = this.#context.undefined;
    this.sleepers = new Sleepers(this.#context, () => host.wake());
  }

  /** Runs the script up to its last expression. */
  start(code: string, inputJson: string | undefined): void {
    if (inputJson !== undefined) {
      using json = this.#context.newString(inputJson);
      this.#help('setInput', json);
    }
    this.#value = this.#take(this.#context.evalCode(code, 'script.js', { type: 'global' }));
  }

  /**
   * Runs what promises have made due, until nothing is or `stopped` says so. Gives the result as
   * JSON; undefined while it is a promise that some sleep may yet settle.
   */
  advance(stopped: () => boolean): string | undefined {
    this.sleepers.resolveDue();
    this.#runJobs(stopped);
    const state = this.#context.getPromiseState(this.#value);
    if (state.type === 'fulfilled') return this.#toJson(this.#scope.manage(state.value));
    if (state.type === 'rejected') throw this.#thrown(this.#scope.manage(state.error));
    if (this.sleepers.size > 0) return undefined;
    if (this.#isExhausted()) throw this.#outOfMemory(); // the engine drops jobs then
    const message = 'the script gave a promise that nothing is left to settle';
    throw new ScriptError('ERR_SCRIPT_PENDING', message);
  }

  #runJobs(stopped: () => boolean): void {
    while (!stopped()) {
      const jobs = this.#runtime.executePendingJobs(1_000);
      if (jobs.error) throw this.#thrown(this.#scope.manage(jobs.error));
      if (jobs.value === 0) return;
    }
  }

  /** Of what JSON has nothing for, null. */
  #toJson(value: QuickJSHandle): string {
    const json = this.#help('toJson', value, (thrown) => {
      const { name, message } = thrown;
      const why = `the result is not JSON: ${name}: ${message}`;
      return new ScriptError('ERR_SCRIPT_RESULT', why, thrown);
    });
    if (this.#context.typeof(json) !== 'string') return 'null';
    const { resultBytes } = this.#limits;
    if (this.#lengthOf(json) <= resultBytes) {
      const text = this.#context.getString(json);
      if (Buffer.byteLength(text) <= resultBytes) return text;
    }
    const message = `the result is larger than ${resultBytes} bytes of JSON`;
    throw new ScriptError('ERR_SCRIPT_RESULT_SIZE', message);
  }

  /** Ends the script's world. Throws when the engine finds it is not in order. */
  dispose(): void {
    this.sleepers.dispose();
    this.#scope.dispose();
    this.#context.dispose();
    this.#runtime.dispose();
  }

  #help(name: string, value: QuickJSHandle, explain = scriptThrew): QuickJSHandle {
    using helper = this.#context.getProp(this.#helpers, name);
    return this.#take(this.#context.callFunction(helper, this.#context.undefined, value), explain);
  }

  #take(
    result: ReturnType<QuickJSContext['evalCode']>,
    explain?: (thrown: Thrown) => ScriptError,
  ): QuickJSHandle {
    if (result.error) throw this.#thrown(this.#scope.manage(result.error), explain);
    return this.#scope.manage(result.value);
  }

  #thrown(error: QuickJSHandle, explain = scriptThrew): ScriptError {
    const exhausted = this.#isExhausted();
    if (this.#reserve.alive) this.#reserve.dispose();
    const thrown = this.#describe(error);
    // Without room for even an Error, the engine throws null.
    const nothingLeft = is(thrown, 'object', 'null') || thrown === indescribable;
    if ((exhausted && nothingLeft) || is(thrown, 'InternalError', 'out of memory')) {
      return this.#outOfMemory(thrown);
    }
    if (
      is(thrown, 'InternalError', 'stack overflow') ||
      is(thrown, 'SyntaxError', 'stack overflow')
    ) {
      const kib = this.#limits.stackBytes / 1024;
      const message = `the script calls too deep for the ${kib} KiB of its stack`;
      return new ScriptError('ERR_SCRIPT_STACK', message, thrown);
    }
    return explain(thrown);
  }

  #isExhausted(): boolean {
    return this.#host.memoryBytes() > this.#limits.memoryBytes - 2 * MIB;
  }

  #outOfMemory(thrown?: Thrown): ScriptError {
    const mib = this.#limits.memoryBytes / MIB;
    const message = `the script needs more than the ${mib} MiB of its instance`;
    return new ScriptError('ERR_SCRIPT_MEMORY', message, thrown);
  }

  #describe(error: QuickJSHandle): Thrown {
    const context = this.#context;
    using helper = context.getProp(this.#helpers, 'describe');
    const described = context.callFunction(helper, context.undefined, error);
    if (described.error) {
      described.error.dispose();
      return indescribable;
    }
    using json = described.value;
    const thrown: Thrown = JSON.parse(context.getString(json));
    return {
      name: thrown.name.slice(0, 100),
      message: thrown.message.slice(0, 2_000),
      stack: thrown.stack.slice(0, 4_000),
    };
  }

  #lengthOf(text: QuickJSHandle): number {
    using length = this.#context.getProp(text, 'length');
    return this.#context.getNumber(length);
  }
}

const indescribable: Thrown = {
  name: 'unknown',
  message: 'something that cannot be described',
  stack: '',
};

function is(thrown: Thrown, name: string, message: string): boolean {
  return thrown.name === name && thrown.message === message;
}

function scriptThrew(thrown: Thrown): ScriptError {
  const message = `the script threw ${thrown.name}: ${thrown.message}`;
  return new ScriptError('ERR_SCRIPT_THREW', message, thrown);
}
