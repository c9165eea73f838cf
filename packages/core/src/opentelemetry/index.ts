/**
 * Metrics and spans of all pools, for OpenTelemetry.
 *
 * @module
 */
export {
  type InstrumentOptions,
  instrumentPools,
  type PoolInstrumentation,
} from './instrument-pools.js';
