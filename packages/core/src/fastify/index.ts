/**
 * A plugin for Fastify.
 *
 * @module
 */
export {
  type FastifyPoolsOptions,
  fastifyPools,
  fastifyPools as default,
} from './fastify-pools.js';
