import type { Limits } from './config.js';
import { ConsoleLog } from './console-log.js';
import { Guest } from './guest.js';
import type { Engine } from './quickjs-pool.js';
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
  readonly #engine: Engine;
  readonly #memoryBytes: () => number;
  readonly #limits: Limits;
  readonly #turns: Turns;
  readonly #stopwatch: Stopwatch;
  #guest: Guest | undefined = undefined;
  /** Why the script is to be stopped. */
  #stopped: ScriptError | undefined = undefined;
  /** The engine was left in the middle of a call. */
  #brokeOff = false;
  #wake: () => void = () => {};

  constructor(engine: Engine, memoryBytes: () => number, limits: Limits, turns: Turns) {
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
    signal.addEventListener('abort', cancel);
    if (signal.aborted) cancel();
    try {
      let result = this.#enter(() => this.#begin(script));
      while (result === undefined) {
        await this.#untilWoken();
        await this.#turns.next();
        result = this.#enter(() => this.#advance());
      }
      return result;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #begin(script: Script): string | undefined {
    const guest = new Guest(this.#engine, this.#limits, {
      shouldStop: () => this.#isStopped(),
      write: (level, length, read) => this.#write(level, length, read),
      wake: () => this.#wake(),
      memoryBytes: this.#memoryBytes,
    });
    this.#guest = guest; // to be closed, whatever comes
    guest.start(script.code, script.inputJson);
    return this.#advance();
  }

  #advance(): string | undefined {
    return this.#guest?.advance(() => this.#isStopped());
  }

  /** Until a sleep is over, the deadline is reached, or the script is cancelled. */
  async #untilWoken(): Promise<void> {
    if (this.#guest?.sleepers.isDue || this.#stopped !== undefined) return;
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
    return error;
  }

  /** Ends the script's world. False: that cannot be done, and the engine is past use. */
  close(): boolean {
    this.#guest?.sleepers.stop();
    if (this.#brokeOff) return false;
    if (this.#engine.world !== undefined) return true; // it goes with its engine, which serves no other
    try {
      this.#guest?.dispose(); // runs no script, and so takes no time that a script could choose
      return true;
    } catch {
      return false;
    }
  }
}
