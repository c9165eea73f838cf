import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { CloseOptions } from '../pool.js';

/** A pool of any kind, as far as a module has to do with it. */
interface ClosablePool {
  close(options?: CloseOptions): Promise<void>;
}

/** How a pool becomes a provider. */
export interface PoolModuleOptions<P extends ClosablePool>
  extends Pick<ModuleMetadata, 'imports'>,
    Pick<FactoryProvider<P>, 'inject'> {
  /** Tells pools of one application apart, for `InjectPool`. Default `'default'`. */
  name?: string | undefined;
  /** Makes the pool, with what `inject` names. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest declares the factories of its providers
  useFactory: (...injected: any[]) => P | Promise<P>;
  /** Whether all modules have it without importing this one. Default false. */
  isGlobal?: boolean | undefined;
  /** How long `close` waits for loans: see `Pool.close`. */
  closeTimeoutMillis?: number | undefined;
}

/** The token under which a pool is provided. */
export function getPoolToken(name = 'default'): string {
  return `wasm-pool:${name}`;
}

/** Injects a pool: `constructor(@InjectPool() pool: WasmPool)`. */
export function InjectPool(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getPoolToken(name));
}

/**
 * Provides a pool, and closes it when the application shuts down: after its HTTP server, so that
 * requests under way are answered. `app.enableShutdownHooks()` has it shut down at SIGTERM.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's modules are classes
export class PoolModule {
  static forRootAsync<P extends ClosablePool>(options: PoolModuleOptions<P>): DynamicModule {
    const { name, useFactory, inject = [], imports = [], isGlobal = false } = options;
    const { closeTimeoutMillis: timeoutMillis } = options;
    const provide = getPoolToken(name);
    const closing = `${provide}:closing`;
    return {
      module: PoolModule,
      global: isGlobal,
      imports,
      providers: [
        { provide, useFactory, inject },
        {
          provide: closing,
          useFactory: (pool: P): OnApplicationShutdown => ({
            onApplicationShutdown: () => pool.close({ timeoutMillis }),
          }),
          inject: [provide],
        },
      ],
      exports: [provide],
    };
  }
}
