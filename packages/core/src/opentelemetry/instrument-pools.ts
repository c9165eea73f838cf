import {
  type MeterProvider,
  metrics,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { channels, type WaitMessage } from '../channels.js';
import { checkOptions, type OptionCheck } from '../check-options.js';
import { attributes, meterPools } from './meter-pools.js';

/** Where metrics and spans go. */
export interface InstrumentOptions {
  /** Default: the global one, which has to be set before. */
  meterProvider?: MeterProvider | undefined;
  /** Default: the global one. */
  tracerProvider?: TracerProvider | undefined;
}

/** What `instrumentPools` has begun. */
export interface PoolInstrumentation extends Disposable {
  /** Ends it: pools tell nothing any more. */
  disable(): void;
}

const NAME = '@wasm-pool/core';

const provider = (method: string): OptionCheck => ({
  accepts: `an object with ${method}()`,
  test: (value) =>
    typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function',
});

/**
 * Tells OpenTelemetry of all pools: those that there are, and those that are made later; of
 * `@wasm-pool/core`, of its drop-in door, and of packages that build on it.
 *
 * Metrics have the shape of the semantic conventions for database connection pools: what is
 * `db.client.connection.count` there is `wasm_pool.resource.count` here. The attribute `wasm_pool.name` is
 * the pool's `name`; pools of one name count together. Each wait for a resource becomes a span
 * `wasm_pool.wait`, in the trace of the acquire. docs/operations.md has the list.
 *
 * Throws an `OptionError`.
 */
export function instrumentPools(options: InstrumentOptions = {}): PoolInstrumentation {
  checkOptions('instrumentPools', options, {
    meterProvider: provider('getMeter'),
    tracerProvider: provider('getTracer'),
  });
  const { meterProvider = metrics.getMeterProvider(), tracerProvider = trace } = options;
  const stopMetering = meterPools(meterProvider.getMeter(NAME));
  const tracer = tracerProvider.getTracer(NAME);

  function onWait({ pool, millis, outcome }: WaitMessage): void {
    if (millis === 0) return; // refused at once
    const endMillis = Date.now();
    const span = tracer.startSpan('wasm_pool.wait', {
      startTime: endMillis - millis,
      attributes: attributes(pool),
    });
    if (outcome !== 'served') {
      span.setAttribute('error.type', outcome);
      span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
    }
    span.end(endMillis);
  }
  channels.wait.subscribe(onWait);
  const disable = () => {
    channels.wait.unsubscribe(onWait);
    stopMetering();
  };
  return { disable, [Symbol.dispose]: disable };
}
