/**
 * A module for NestJS.
 *
 * @module
 */
export { getPoolToken, InjectPool, PoolModule, type PoolModuleOptions } from './pool-module.js';
