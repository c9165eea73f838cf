import { onShutdown, type ShutdownOptions } from '@wasm-pool/core/service';

/** A server that listens. */
export interface Started {
  readonly address: string;
  /** Finishes what is running. */
  close(): PromiseLike<unknown>;
  /** What to try, below the address. */
  readonly hints?: readonly string[];
}

/**
 * Starts a program, says where it listens, and ends it at SIGTERM or SIGINT. Where it cannot start, it
 * says why, and ends with exit code 1.
 */
export async function runExample(
  name: string,
  start: () => Promise<Started>,
  options?: ShutdownOptions,
): Promise<void> {
  try {
    const { address, close, hints = [] } = await start();
    console.log([`${name} listens on ${address}`, ...hints].join('\n'));
    onShutdown(async (signal) => {
      console.log(`${signal}: finishing what is running`);
      await close();
    }, options);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
