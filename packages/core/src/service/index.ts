/**
 * What a service needs around its pools: health, readiness, a graceful end, and a signal of each request.
 *
 * @module
 */
export { closerOf } from './answers.js';
export { type HealthOptions, healthOf, type PoolsHealth } from './health.js';
export { onShutdown, type ShutdownOptions } from './shutdown.js';
export { whileConnected } from './while-connected.js';
