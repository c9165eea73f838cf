import type { QuickJSHandle, QuickJSWASMModule } from 'quickjs-emscripten-core';
import type { Limits } from './config.js';
import { ConsoleLog } from './console-log.js';
import { Guest } from './guest.js';
import { ScriptError } from './script-error.js';
import { Stopwatch, wasEnded } from './stopwatch.js';
import type { Turns } from './turns.js';

/** What somebody wants to be run. */
export interface Script {
  readonly code: string;
  /** What the script finds in its global `input`, as JSON. */
  readonly inputJson: string | undefined;
}

/** Runs one script in an engine, once. */
export class Execution {
  readonly console: ConsoleLog;
  readonly #engine: QuickJSWASMModule;
  readonly #memoryBytes: () => number;
  readonly #limits: Limits;
  readonly #turns: Turns;
  readonly #stopwatch: Stopwatch;
  #guest: Guest | undefined = undefined;
  /** Why the script is to be stopped. */
  #stopped: ScriptError | undefined = undefined;
  /** The engine was left in the middle of a call. */
  #brokeOff = false;
  #unexplained = false;
  #wake: () => void = () => {};

  constructor(engine: QuickJSWASMModule, memoryBytes: () => number, limits: Limits, turns: Turns) {
    this.#engine = engine;
    this.#memoryBytes = memoryBytes;
    this.#limits = limits;
    this.#turns = turns;
    this.#stopwatch = new Stopwatch(limits);
    this.console = new ConsoleLog(limits.consoleBytes);
  }

  get ranMillis(): number {
    return this.#stopwatch.ranMillis;
  }

  /** Gives the script's result as JSON, or throws a `ScriptError`. Begins in the caller's turn. */
  async run(script: Script, signal: AbortSignal): Promise<string> {
    const cancel = () => {
      this.#stopped ??= new ScriptError('ERR_SCRIPT_CANCELLED', 'nobody waits for the result');
      this.#wake();
    };
    const guest = this.#enter(() => this.#makeGuest());
    const value = this.#enter(() => guest.evaluate(script.code, script.inputJson));
    signal.addEventListener('abort', cancel);
    try {
      return await this.#finish(guest, value);
    } finally {
      signal.removeEventListener('abort', cancel);
      guest.sleepers.stop();
    }
  }

  #makeGuest(): Guest {
    const guest = new Guest(this.#engine, this.#limits, {
      shouldStop: () => this.#isStopped(),
      write: (level, length, read) => this.#write(level, length, read),
      wake: () => this.#wake(),
      memoryBytes: this.#memoryBytes,
    });
    this.#guest = guest;
    return guest;
  }

  async #finish(guest: Guest, value: QuickJSHandle): Promise<string> {
    for (;;) {
      const result = this.#enter(() => {
        guest.runJobs(() => this.#isStopped());
        return guest.settled(value);
      });
      if (result !== undefined) return this.#enter(() => guest.toJson(result));
      if (guest.sleepers.size === 0) throw guest.neverSettled();
      await this.#untilWoken(guest);
      await this.#turns.next();
    }
  }

  /** Until a sleep is over, the deadline is reached, or the script is cancelled. */
  async #untilWoken(guest: Guest): Promise<void> {
    if (guest.sleepers.isDue || this.#stopped !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(this.#stopwatch.untilDeadlineMillis, 0) + 1);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  #isStopped(): boolean {
    this.#stopped ??= this.#stopwatch.passed();
    return this.#stopped !== undefined;
  }

  #write(level: string, length: number, read: () => string): void {
    if (this.console.fits(length) && this.console.add(level, read())) return;
    const { consoleBytes } = this.#limits;
    const message = `the script wrote more than ${consoleBytes} bytes to the console`;
    this.#stopped ??= new ScriptError('ERR_SCRIPT_CONSOLE_SIZE', message);
    throw this.#stopped; // the script may catch this one, but is stopped soon
  }

  /** Does what enters the engine: measured, limited, and with its failures explained. */
  #enter<R>(work: () => R): R {
    try {
      this.#check();
      const result = this.#stopwatch.time(work);
      this.#check();
      return result;
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #check(): void {
    if (this.#isStopped()) throw this.#stopped;
  }

  #explain(error: unknown): unknown {
    if (error instanceof ScriptError) return this.#stopped ?? error;
    this.#brokeOff = true;
    if (wasEnded(error)) return this.#stopwatch.passed() ?? error;
    if (error instanceof RangeError && /call stack/.test(error.message)) {
      const message = 'the script calls too deep for the stack of the engine';
      return new ScriptError('ERR_SCRIPT_STACK', message);
    }
    if (error instanceof WebAssembly.RuntimeError) {
      return new ScriptError(
        'ERR_SCRIPT_CRASHED',
        `the script crashed the engine: ${error.message}`,
      );
    }
    this.#unexplained = true;
    return error;
  }

  /**
   * Ends the script's world. False: the engine may be past use. Where an exception came out of it,
   * or V8 ended a call, it is for certain, but the pool sees that by itself: nothing is done then.
   */
  close(): boolean {
    if (this.#brokeOff) return !this.#unexplained;
    try {
      const guest = this.#guest;
      if (guest !== undefined) this.#stopwatch.time(() => guest.dispose());
      return true;
    } catch {
      return false;
    }
  }
}
