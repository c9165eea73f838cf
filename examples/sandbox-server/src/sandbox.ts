import type { Config, Limits } from './config.js';
import type { ConsoleLine } from './console-log.js';
import { Execution, type Script } from './execution.js';
import { createQuickJSPool, type QuickJSPool } from './quickjs-pool.js';
import { ScriptError } from './script-error.js';
import { Turns } from './turns.js';

/** What became of a script. */
export interface Report {
  /** Its result as JSON, or why there is none. */
  readonly outcome: string | ScriptError;
  readonly console: readonly ConsoleLine[];
  /** The name of the instance that ran it. */
  readonly instance: string;
  /** From the request until it began. */
  readonly waitedMillis: number;
  /** In the engine. */
  readonly ranMillis: number;
}

/** Runs scripts, each in an engine that the pool lends for it. */
export class Sandbox {
  readonly limits: Limits;
  readonly pool: QuickJSPool;
  readonly #turns = new Turns();

  private constructor(pool: QuickJSPool, limits: Limits) {
    this.pool = pool;
    this.limits = limits;
  }

  static async open(config: Config): Promise<Sandbox> {
    return new Sandbox(await createQuickJSPool(config), config.limits);
  }

  /** Rejects as the pool's `acquire` does, with the signal's reason for one. */
  run(script: Script, signal: AbortSignal): Promise<Report> {
    const askedMillis = performance.now();
    return this.pool.use(
      async (instance) => {
        await this.#turns.next();
        const waitedMillis = performance.now() - askedMillis;
        const memoryBytes = () => instance.memoryBytes;
        const execution = new Execution(instance.exports, memoryBytes, this.limits, this.#turns);
        let outcome: string | ScriptError;
        try {
          outcome = await execution.run(script, signal);
        } catch (error) {
          if (!(error instanceof ScriptError)) throw error;
          outcome = error;
        } finally {
          if (!execution.close()) await this.pool.destroy(instance);
        }
        const { ranMillis } = execution;
        const { name } = instance;
        return {
          outcome,
          console: execution.console.lines,
          instance: name,
          waitedMillis,
          ranMillis,
        };
      },
      { signal },
    );
  }

  stats() {
    return this.pool.stats();
  }

  /** Lets the scripts under way finish; who waits for an instance gets a `PoolClosedError`. */
  close(): Promise<void> {
    return this.pool.close();
  }
}
